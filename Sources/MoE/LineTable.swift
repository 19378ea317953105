/// Which line of a source each address of a program came from: the part of DWARF's line tables
/// (version 2 to 4, section 6.2 of the standard) that is about one file and those compiled with it.
struct LineTable {
  /// Addresses from one row of the table to the next.
  struct Row {
    var addresses: Range<UInt64>

    /// The file's name without folders.
    var file: String
    var line: Int
    var column: Int
  }

  private(set) var rows: [Row] = []

  /// Reads the section `.debug_line`; units of other versions, or cut short, are left out.
  ///
  /// - Parameters:
  ///   - file: the file's name without folders.
  ///   - isWanted: which other files of its units are wanted, by such names.
  init(_ section: [UInt8], file: String, with isWanted: (String) -> Bool = { _ in false }) {
    var start = 0
    while var unit = ByteReader(section, from: start), let length = unit.integer(4),
      length < 0xffff_fff0, let end = unit.end(after: length)
    {
      unit.limit = end
      readUnit(&unit, file, isWanted)
      start = end
    }
    rows.sort { $0.addresses.lowerBound < $1.addresses.lowerBound }
  }

  /// The row with an address.
  func row(of address: UInt64) -> Row? {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].addresses.upperBound <= address { low = middle + 1 } else { high = middle }
    }
    guard low < rows.count, rows[low].addresses.contains(address) else { return nil }
    return rows[low]
  }

  private mutating func readUnit(
    _ unit: inout ByteReader, _ file: String, _ isWanted: (String) -> Bool
  ) {
    guard let version = unit.integer(2), (2...4).contains(version), let length = unit.integer(4),
      let program = unit.end(after: length), var rules = Rules(&unit, version: version)
    else { return }
    let files = rules.files(&unit)
    guard files.contains(file) else { return }
    for (index, name) in files.enumerated() where name == file || isWanted(name) {
      rules.wanted[index + 1] = name
    }
    unit.position = program
    rules.run(&unit) { rows.append($0) }
  }
}

extension LineTable {
  /// How a unit's program counts addresses and lines, and where it has got to.
  private struct Rules {
    let step: UInt64
    let lineBase: Int
    let lineRange: Int
    let operandCounts: [Int]

    /// The names of the wanted files by their numbers.
    var wanted: [Int: String] = [:]

    init?(_ unit: inout ByteReader, version: UInt64) {
      guard let step = unit.integer(1) else { return nil }
      if version == 4 { _ = unit.integer(1) }
      guard unit.integer(1) != nil, let base = unit.integer(1), let range = unit.integer(1),
        range > 0, let firstSpecial = unit.integer(1), firstSpecial > 0
      else { return nil }
      self.step = step
      lineBase = Int(Int8(truncatingIfNeeded: base))
      lineRange = Int(range)
      operandCounts = (1..<firstSpecial).map { _ in Int(unit.integer(1) ?? 0) }
    }

    /// The names of the files, without the folders.
    func files(_ unit: inout ByteReader) -> [String] {
      while let folder = unit.text(), !folder.isEmpty {}
      var names: [String] = []
      while let name = unit.text(), !name.isEmpty {
        names.append(name.split(separator: "/").last.map(String.init) ?? name)
        for _ in 0..<3 { _ = unit.variable() }
      }
      return names
    }

    private struct State {
      var address: UInt64 = 0
      var line = 1
      var column = 0
      var file = 1
    }

    /// Runs the program; `found` gets the rows of wanted files.
    func run(_ unit: inout ByteReader, found: (Row) -> Void) {
      var state = State()
      var previous: State?
      func emit() {
        if let last = previous, let file = wanted[last.file], last.address < state.address {
          let addresses = last.address..<state.address
          found(Row(addresses: addresses, file: file, line: last.line, column: last.column))
        }
        previous = state
      }
      while let code = unit.integer(1) {
        switch Int(code) {
        case 0:
          guard extended(&unit, &state) else { continue }
          emit()
          (state, previous) = (State(), nil)
        case 1: emit()
        case let code where code > operandCounts.count:
          let adjusted = code - operandCounts.count - 1
          state.address &+= UInt64(adjusted / lineRange) &* step
          state.line &+= lineBase + adjusted % lineRange
          emit()
        case let code: standard(code, &unit, &state)
        }
      }
    }

    /// Carries out an extended opcode; true at the end of a sequence.
    private func extended(_ unit: inout ByteReader, _ state: inout State) -> Bool {
      guard let length = unit.variable(), let end = unit.end(after: length),
        let code = unit.integer(1)
      else { return false }
      if code == 2, let address = unit.integer(8) { state.address = address }
      unit.position = end
      return code == 1
    }

    private func standard(_ code: Int, _ unit: inout ByteReader, _ state: inout State) {
      switch code {
      case 2: state.address &+= (unit.variable() ?? 0) &* step
      case 3: state.line &+= unit.signed() ?? 0
      case 4: state.file = Int(clamping: unit.variable() ?? 0)
      case 5: state.column = Int(clamping: unit.variable() ?? 0)
      case 8: state.address &+= UInt64((255 - operandCounts.count - 1) / lineRange) &* step
      case 9: state.address &+= unit.integer(2) ?? 0
      default: for _ in 0..<operandCounts[code - 1] { _ = unit.variable() }
      }
    }
  }
}
