import Foundation
import Testing

@testable import MoE

@Suite struct LineTableTests {
  /// A unit of version 4 for `folder/m.swift` and `other.swift`: lines 3 and 5 of the first from 0x1000
  /// on, then a line of the second.
  static var section: [UInt8] {
    let files =
      Array("folder/m.swift\0".utf8) + [0, 0, 0] + Array("other.swift\0".utf8) + [0, 0, 0]
    let header: [UInt8] =
      [1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]
      + Array("folder\0".utf8) + [0] + files + [0]
    let program: [UInt8] = [
      0, 9, 2, 0, 0x10, 0, 0, 0, 0, 0, 0,  // address 0x1000
      5, 7, 3, 2, 1,  // column 7, line 3, a row
      5, 0x81, 1, 0x4c,  // column 129; four addresses and two lines on: 13 + 4 * 14 + 2 - -5
      2, 4, 4, 2, 1,  // four on, another file
      2, 4, 0, 1, 1,  // four on, the end
    ]
    func number(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let rest = number(4, 2) + number(header.count, 4) + header + program
    return number(rest.count, 4) + rest
  }

  @Test func rowsOfOneFile() {
    let table = LineTable(Self.section, file: "m.swift")
    let rows = [0xfff, 0x1000, 0x1003, 0x1004, 0x1007, 0x1008].map { table.row(of: $0) }
    #expect(rows.map { $0?.line } == [nil, 3, 3, 5, 5, nil])
    #expect(rows.map { $0?.column } == [nil, 7, 7, 129, 129, nil])
    let both = LineTable(Self.section, file: "m.swift") { $0 == "other.swift" }
    let places = [0x1000, 0x1004, 0x1008, 0x100c].map { both.row(of: $0) }
    #expect(places.map { $0?.file } == ["m.swift", "m.swift", "other.swift", nil])
    #expect(LineTable(Self.section + Self.section, file: "m.swift").rows.count == 4)
    #expect(LineTable(Self.section, file: "none.swift").rows.isEmpty)
  }

  @Test("Whatever the bytes are, reading them ends")
  func brokenBytes() {
    var random = SystemRandomNumberGenerator()
    for length in Self.section.indices {
      _ = LineTable(Array(Self.section.prefix(length)), file: "m.swift")
    }
    for _ in 0..<2000 {
      var bytes = Self.section
      for _ in 0..<3 { bytes[.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255) }
      _ = LineTable(bytes, file: "m.swift")
    }
  }

  @Test func sectionsOfFilesThatAreNone() throws {
    let path = NSTemporaryDirectory() + "moec-section-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    for bytes in [[], [0x7f, 0x45, 0x4c, 0x46, 2, 1] + [UInt8](repeating: 0xff, count: 60)] {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      #expect(ObjectSection.bytes(of: ".debug_line", in: path) == nil)
    }
    #expect(ObjectSection.bytes(of: ".debug_line", in: "/no/such/file") == nil)
  }
}
