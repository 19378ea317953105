import SystemFiles

/// One section of an object file, found by name in a file that is not loaded.
///
/// Every offset and size comes from the file, so every one is checked against the file's size
/// before it is used. Understood are 64-bit little-endian ELF and Mach-O, which is all that moec
/// compiles for.
enum ObjectSection {
  enum Problem: Error, Equatable {
    /// Not an object file of either kind.
    case notAnObject(String)
    /// Its headers contradict themselves or the file's size.
    case damaged(String)
    /// It has no such section.
    case absent
  }

  /// The bytes of the section that has the name of its kind of file.
  static func contents(
    of file: InputFile, elf: String, machO: (segment: String, section: String)
  ) throws -> [UInt8] {
    let bytes = ObjectBytes(file: file)
    guard file.size >= 4 else { throw Problem.notAnObject("it is too short") }
    switch try bytes.number(at: 0, bytes: 4) {
    case 0x464c_457f: return try ELFSections(bytes).contents(elf)
    case 0xfeed_facf: return try MachOSections(bytes).contents(machO)
    default: throw Problem.notAnObject("it is neither ELF nor Mach-O")
    }
  }
}

/// Numbers and names of an object file, each read within its bounds.
struct ObjectBytes {
  let file: InputFile

  /// `count` bytes from `offset` on.
  func bytes(at offset: UInt64, count: UInt64) throws -> [UInt8] {
    let end = offset.addingReportingOverflow(count)
    guard !end.overflow, end.partialValue <= UInt64(file.size) else {
      throw ObjectSection.Problem.damaged("it is cut short")
    }
    return try file.bytes(Int(offset)..<Int(end.partialValue))
  }

  func number(at offset: UInt64, bytes count: UInt64) throws -> UInt64 {
    try bytes(at: offset, count: count).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// The section table of an ELF file.
private struct ELFSections {
  private static let headerSize: UInt64 = 64
  let bytes: ObjectBytes
  let table: UInt64
  let count: UInt64
  let names: (offset: UInt64, size: UInt64)

  init(_ bytes: ObjectBytes) throws {
    self.bytes = bytes
    guard try bytes.number(at: 4, bytes: 1) == 2, try bytes.number(at: 5, bytes: 1) == 1 else {
      throw ObjectSection.Problem.notAnObject("it is not for a 64-bit little-endian processor")
    }
    table = try bytes.number(at: 40, bytes: 8)
    count = try bytes.number(at: 60, bytes: 2)
    let nameTable = try bytes.number(at: 62, bytes: 2)
    guard count > 0 else { throw ObjectSection.Problem.absent }
    guard try bytes.number(at: 58, bytes: 2) == Self.headerSize, nameTable < count else {
      throw ObjectSection.Problem.damaged("its section table is of an unknown form")
    }
    // Looked at as a whole first, so that no sum below can overflow.
    let end = table.addingReportingOverflow(count * Self.headerSize)
    guard !end.overflow, end.partialValue <= UInt64(bytes.file.size) else {
      throw ObjectSection.Problem.damaged("it is cut short")
    }
    names = try Self.place(bytes, table + nameTable * Self.headerSize)
  }

  private static func place(
    _ bytes: ObjectBytes, _ header: UInt64
  ) throws -> (offset: UInt64, size: UInt64) {
    (
      try bytes.number(at: header + 24, bytes: 8), try bytes.number(at: header + 32, bytes: 8)
    )
  }

  func contents(_ name: String) throws -> [UInt8] {
    let wanted = Array(name.utf8) + [0]
    let table = try bytes.bytes(at: names.offset, count: names.size)
    for index in 0..<count {
      let header = self.table + index * Self.headerSize
      let start = try bytes.number(at: header, bytes: 4)
      guard start < UInt64(table.count), table[Int(start)...].starts(with: wanted) else { continue }
      let place = try Self.place(bytes, header)
      return try bytes.bytes(at: place.offset, count: place.size)
    }
    throw ObjectSection.Problem.absent
  }
}

/// The load commands of a Mach-O file.
private struct MachOSections {
  private static let segmentCommand: UInt64 = 0x19
  private static let sectionSize: UInt64 = 80
  let bytes: ObjectBytes

  init(_ bytes: ObjectBytes) { self.bytes = bytes }

  func contents(_ wanted: (segment: String, section: String)) throws -> [UInt8] {
    var offset: UInt64 = 32
    for _ in 0..<(try bytes.number(at: 16, bytes: 4)) {
      let size = try bytes.number(at: offset + 4, bytes: 4)
      guard size >= 8 else { throw ObjectSection.Problem.damaged("a load command has no size") }
      if try bytes.number(at: offset, bytes: 4) == Self.segmentCommand,
        let found = try section(wanted, inSegment: offset, size)
      {
        return found
      }
      offset += size
    }
    throw ObjectSection.Problem.absent
  }

  private func section(
    _ wanted: (segment: String, section: String), inSegment command: UInt64, _ size: UInt64
  ) throws -> [UInt8]? {
    let count = try bytes.number(at: command + 64, bytes: 4)
    // Commands do not overlap, so that no header is looked at twice.
    guard 72 + count * Self.sectionSize <= size else {
      throw ObjectSection.Problem.damaged("a load command is too short for its sections")
    }
    for index in 0..<count {
      let header = command + 72 + index * Self.sectionSize
      guard try name(at: header) == wanted.section, try name(at: header + 16) == wanted.segment
      else { continue }
      let size = try bytes.number(at: header + 40, bytes: 8)
      return try bytes.bytes(at: try bytes.number(at: header + 48, bytes: 4), count: size)
    }
    return nil
  }

  private func name(at offset: UInt64) throws -> String {
    String(decoding: try bytes.bytes(at: offset, count: 16).prefix { $0 != 0 }, as: UTF8.self)
  }
}
