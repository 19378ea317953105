import SystemFiles

/// A look at an ELF file's headers before the system's loader gets to see them.
enum ObjectFile {
  private static let headerSize = 64
  private static let segmentSize = 56
  private static let loadable: UInt64 = 1

  /// What makes the file unfit for loading; nil if nothing was found, or off Linux.
  static func defect(of file: InputFile) throws(FileError) -> String? {
    #if os(Linux)
      guard file.size >= 4 else { return file.size == 0 ? "it is empty" : "it is too short" }
      guard try file.bytes(0..<4) == [0x7f, 0x45, 0x4c, 0x46] else { return "it is no ELF file" }
      guard file.size >= headerSize else { return "it is cut short" }
      let header = try file.bytes(0..<headerSize)
      // 32-bit and big-endian files go to the loader, which says that they are of another kind.
      guard header[4] == 2, header[5] == 1 else { return nil }
      if let other = foreignMachine(header) { return other }
      return try segmentDefect(of: file, header: header)
    #else
      return nil
    #endif
  }

  /// The processors that ELF numbers stand for, as far as libraries are compiled for them.
  private static let machines: [UInt64: String] = [62: "x86-64", 183: "arm64"]

  #if arch(x86_64)
    private static let thisMachine: UInt64 = 62
  #elseif arch(arm64)
    private static let thisMachine: UInt64 = 183
  #else
    private static let thisMachine: UInt64 = 0
  #endif

  /// The loader would say of another processor's library that there is no such file.
  private static func foreignMachine(_ header: [UInt8]) -> String? {
    guard let own = machines[thisMachine],
      let other = machines[number(header, at: 18, bytes: 2)], own != other
    else { return nil }
    return "it is for \(other), this machine is \(own)"
  }

  private static func segmentDefect(
    of file: InputFile, header: [UInt8]
  ) throws(FileError) -> String? {
    let table = number(header, at: 32, bytes: 8)
    let entry = number(header, at: 54, bytes: 2)
    let count = number(header, at: 56, bytes: 2)
    guard entry == segmentSize else { return "its segment table is of an unknown form" }
    guard fits(table, count * entry, in: file) else { return "it is cut short" }
    for index in 0..<Int(count) {
      let start = Int(table) + index * segmentSize
      let segment = try file.bytes(start..<start + segmentSize)
      guard number(segment, at: 0, bytes: 4) == loadable else { continue }
      let offset = number(segment, at: 8, bytes: 8)
      let size = number(segment, at: 32, bytes: 8)
      guard fits(offset, size, in: file) else { return "it is cut short" }
    }
    return nil
  }

  private static func fits(_ offset: UInt64, _ size: UInt64, in file: InputFile) -> Bool {
    let end = offset.addingReportingOverflow(size)
    return !end.overflow && end.partialValue <= UInt64(file.size)
  }

  private static func number(_ bytes: [UInt8], at offset: Int, bytes count: Int) -> UInt64 {
    bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
