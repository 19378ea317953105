#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where in the model's source an operator that runs right now stands.
///
/// An operator takes two operands and has no room for `#line`. But the model is compiled by moec, with
/// line tables: the addresses to which the running functions return, looked up in the program's own,
/// tell the line, and the source tells whether the operator is there. Where there are no such tables,
/// or no way to the addresses, there is no answer, and operators stand where an operand was made.
final class OperatorPlaces: Sendable {
  private let table: LineTable

  /// The model's file and those beside it that are compiled with it, by name.
  private let files: [String: (path: String, lines: [[UInt8]])]

  /// What the system adds to the addresses of the tables.
  private let base: UInt64

  /// The places in the model at `path`, of which this process is the program; nil: nothing is known.
  init?(model path: String) {
    guard Self.unwind != nil, let base = Self.loadAddress(),
      let section = ObjectSection.bytes(of: ".debug_line", in: "/proc/self/exe"),
      let source = Self.lines(of: path)
    else { return nil }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let folder = path.dropLast(name.count)
    var files = [name: (path: path, lines: source)]
    table = LineTable(section, file: name) { other in
      guard other.hasSuffix(".swift"), let lines = Self.lines(of: folder + other) else {
        return false
      }
      files[other] = (folder + other, lines)
      return true
    }
    if table.rows.isEmpty { return nil }
    (self.files, self.base) = (files, base)
  }

  private static func lines(of path: String) -> [[UInt8]]? {
    FileBytes(path)?.all.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map(Array.init)
  }

  /// The place of the operator whose function has called this one, directly or not.
  func site(of name: String) -> Site? {
    for address in Self.returnAddresses() where address > base {
      // The call ends where it returns to.
      guard let row = table.row(of: address - base - 1), row.line > 0 else { continue }
      return site(of: name, at: row)
    }
    return nil
  }

  private func site(of name: String, at row: LineTable.Row) -> Site? {
    guard let file = files[row.file], file.lines.indices.contains(row.line - 1) else { return nil }
    let (text, wanted) = (file.lines[row.line - 1], Array(name.utf8))
    let isThere = row.column > 0 && text.dropFirst(row.column - 1).starts(with: wanted)
    guard isThere || text.contains(wanted[0]) else { return nil }
    return Site(file.path, row.line, max(1, row.column))
  }

  // MARK: - The system

  private typealias Unwind =
    @convention(c) (UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int32) -> Int32

  /// `backtrace`, which the C library's module does not show, where there is one.
  private static let unwind: Unwind? = dlsym(dlopen(nil, RTLD_LAZY), "backtrace")
    .map { unsafeBitCast($0, to: Unwind.self) }

  /// The innermost first.
  private static func returnAddresses() -> [UInt64] {
    var frames = [UnsafeMutableRawPointer?](repeating: nil, count: 32)
    let count = unwind.map { $0(&frames, Int32(frames.count)) } ?? 0
    return frames.prefix(Int(max(0, count))).map { UInt64(UInt(bitPattern: $0)) }
  }

  /// Where the program lies in memory: its part from the file's beginning.
  private static func loadAddress() -> UInt64? {
    var name = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &name, name.count - 1)
    guard length > 0, let maps = FileBytes("/proc/self/maps")?.all else { return nil }
    let program = String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 5)
      guard words.count == 6, words[5].drop(while: { $0 == " " }) == program,
        let offset = UInt64(words[2], radix: 16), offset == 0
      else { continue }
      return words[0].split(separator: "-").first.flatMap { UInt64($0, radix: 16) }
    }
    return nil
  }
}
