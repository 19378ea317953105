import Foundation
import ModelFixtures
import SystemFiles
import Testing

@testable import Exchange

/// A damaged or hostile file and what must be said of it.
struct HostileFile: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var bytes: [UInt8]
  var problems: [SafetensorsProblem]

  init(_ name: String, _ bytes: [UInt8], _ problems: [SafetensorsProblem]) {
    testDescription = name
    self.bytes = bytes
    self.problems = problems
  }

  static let all: [HostileFile] = structure + tensors + cover

  static let structure = [
    HostileFile("empty", [], [.tooShort(bytes: 0)]),
    HostileFile("seven bytes", [2, 0, 0, 0, 0, 0, 0], [.tooShort(bytes: 7)]),
    HostileFile(
      "header length 2^62", safetensorsBytes("{}", data: 0, claimed: 1 << 62),
      [.headerTooLong(claimed: 1 << 62, available: 2)]),
    HostileFile(
      "header length 2^64 - 1", safetensorsBytes("{}", data: 0, claimed: .max),
      [.headerTooLong(claimed: .max, available: 2)]),
    HostileFile(
      "header cut short", safetensorsBytes("{}", data: 0, claimed: 3),
      [.headerTooLong(claimed: 3, available: 2)]),
    HostileFile(
      "no header at all", safetensorsBytes("", data: 0),
      [.headerNotJSON(offset: 0, reason: "a value is expected")]),
    HostileFile(
      "not UTF-8", safetensorsBytes([0x7b, 0x22, 0xff, 0x22, 0x7d], data: []), [.headerNotUTF8]),
    HostileFile(
      "an array", safetensorsBytes("[]", data: 0),
      [.headerNotJSON(offset: 0, reason: "an object is expected")]),
    HostileFile(
      "a space before the brace", safetensorsBytes(" {}", data: 0),
      [.headerNotJSON(offset: 0, reason: "an object is expected")]),
    HostileFile(
      "nested 100,000 deep",
      safetensorsBytes("{\"a\":" + String(repeating: "[", count: 100_000), data: 0),
      [.headerNotJSON(offset: 20, reason: "it is nested too deeply")]),
    HostileFile(
      "a tensor twice",
      safetensorsBytes(
        "{\(described("a", "[1]", "[0,4]")),\(described("a", "[1]", "[4,8]"))}", data: 8),
      [.headerNotJSON(offset: 57, reason: "the key \"a\" is there twice")]),
    HostileFile(
      "names that look the same",
      safetensorsBytes(
        "{\(described("é", "[1]", "[0,4]")),\(described("e\u{301}", "[1]", "[4,8]"))}", data: 8),
      [.badEntry(name: "é", reason: "another name looks the same")]),
    HostileFile(
      "metadata that are no strings", safetensorsBytes("{\"__metadata__\":{\"a\":1}}", data: 0),
      [.badMetadata]),
  ]

  static let tensors = [
    HostileFile(
      "shape product overflows",
      safetensorsBytes("{\(described("a", "[4294967296,4294967296]", "[0,0]"))}", data: 0),
      [.shapeTooLarge(name: "a", shape: [1 << 32, 1 << 32])]),
    HostileFile(
      "shape overflows in bytes only",
      safetensorsBytes("{\(described("a", "[4611686018427387904]", "[0,0]"))}", data: 0),
      [.shapeTooLarge(name: "a", shape: [1 << 62])]),
    HostileFile(
      "a negative size", safetensorsBytes("{\(described("a", "[-1]", "[0,4]"))}", data: 4),
      [.badEntry(name: "a", reason: "its shape is no list of sizes")]),
    HostileFile(
      "a size of 2^64",
      safetensorsBytes("{\(described("a", "[18446744073709551616]", "[0,4]"))}", data: 4),
      [.badEntry(name: "a", reason: "its shape is no list of sizes")]),
    HostileFile(
      "offsets reversed", safetensorsBytes("{\(described("a", "[1]", "[4,0]"))}", data: 4),
      [.badEntry(name: "a", reason: "it ends before it begins")]),
    HostileFile(
      "a fraction as offset", safetensorsBytes("{\(described("a", "[1]", "[0,4.0]"))}", data: 4),
      [.badEntry(name: "a", reason: "its data_offsets are not two counts")]),
    HostileFile(
      "unknown type", safetensorsBytes("{\(described("a", "[1]", "[0,4]", "F33"))}", data: 4),
      [.unknownType(name: "a", type: "F33")]),
    HostileFile(
      "no object", safetensorsBytes("{\"a\":7}", data: 0),
      [.badEntry(name: "a", reason: "it is not an object")]),
    HostileFile(
      "size does not fit the shape",
      safetensorsBytes("{\(described("a", "[2]", "[0,4]"))}", data: 4),
      [.wrongSize(name: "a", expected: 8, found: 4)]),
    HostileFile(
      "several at once",
      safetensorsBytes(
        "{\(described("a", "[1]", "[0,4]", "F33")),\(described("b", "[1]", "[0,99]")),\"c\":1}",
        data: 4),
      [
        .unknownType(name: "a", type: "F33"), .wrongSize(name: "b", expected: 4, found: 99),
        .outOfRange(name: "b", end: 99, available: 4),
        .badEntry(name: "c", reason: "it is not an object"),
      ]),
  ]

  static let cover = [
    HostileFile(
      "beyond the end", safetensorsBytes("{\(described("a", "[2]", "[0,8]"))}", data: 4),
      [.outOfRange(name: "a", end: 8, available: 4)]),
    HostileFile(
      "an offset of 2^62",
      safetensorsBytes(
        "{\(described("a", "[1]", "[4611686018427387904,4611686018427387908]"))}", data: 4),
      [.outOfRange(name: "a", end: 1 << 62 + 4, available: 4)]),
    HostileFile(
      "overlap",
      safetensorsBytes(
        "{\(described("a", "[2]", "[0,8]")),\(described("b", "[2]", "[4,12]"))}", data: 12),
      [.overlap("a", "b")]),
    HostileFile(
      "two tensors share all",
      safetensorsBytes(
        "{\(described("a", "[1]", "[0,4]")),\(described("b", "[1]", "[0,4]"))}", data: 4),
      [.overlap("a", "b")]),
    HostileFile(
      "a hole",
      safetensorsBytes(
        "{\(described("a", "[1]", "[0,4]")),\(described("b", "[1]", "[8,12]"))}", data: 12),
      [.hole(offset: 4, bytes: 4)]),
    HostileFile(
      "a hole at the start", safetensorsBytes("{\(described("a", "[1]", "[4,8]"))}", data: 8),
      [.hole(offset: 0, bytes: 4)]),
    HostileFile(
      "more data than tensors", safetensorsBytes("{\(described("a", "[1]", "[0,4]"))}", data: 9),
      [.hole(offset: 4, bytes: 5)]),
  ]
}

@Suite struct SafetensorsTests {
  @Test(arguments: HostileFile.all)
  func refusesHostileFiles(_ file: HostileFile) throws {
    let path = try ModelFixture.file(file.bytes)
    #expect(throws: SafetensorsError.malformed(path: path, file.problems)) {
      try Safetensors(path: path)
    }
  }

  /// Every prefix of a sound file is refused: no length at which a cut goes unnoticed.
  @Test func refusesEveryTruncation() throws {
    let whole = safetensorsBytes(
      "{\(described("a", "[2]", "[0,8]")),\(described("b", "[1]", "[8,12]"))}", data: 12)
    #expect(try Safetensors(path: ModelFixture.file(whole)).tensors.map(\.name) == ["a", "b"])
    for length in 0..<whole.count {
      let path = try ModelFixture.file(Array(whole[..<length]))
      #expect(throws: SafetensorsError.self, "\(length) bytes") { try Safetensors(path: path) }
    }
  }

  /// Whatever bytes a header has, it is refused or describes data that are there.
  @Test func survivesDamage() throws {
    let whole = safetensorsBytes(
      "{\"__metadata__\":{\"a\":\"b\"}," + described("a", "[2]", "[0,8]") + ","
        + described("b", "[1]", "[8,12]") + "}", data: 12)
    var generator = Damage(state: 1)
    var refused = 0
    for _ in 0..<1500 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[place] =
          Bool.random(using: &generator)
          ? UInt8.random(in: 0...255, using: &generator)
          : "0123456789[]{},:\"\\-eu".utf8.randomElement(using: &generator) ?? 0
      }
      let path = try ModelFixture.file(bytes)
      do throws(SafetensorsError) {
        let file = try Safetensors(path: path)
        for tensor in file.tensors where tensor.type == .f32 {
          #expect(try file.numbers(tensor).count * 4 == tensor.range.count)
        }
      } catch {
        refused += 1
      }
      try FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
    }
    #expect((1000..<1500).contains(refused))
  }

  @Test func readsRankZeroEmptyTensorsAndOtherTypes() throws {
    let header =
      "{\"__metadata__\":{\"k\":\"\\u00e9\\ud83d\\ude00\\n\"}," + described("scalar", "[]", "[0,4]")
      + ","
      + described("none", "[0,7]", "[4,4]") + "," + described("half", "[3]", "[4,10]", "F16")
      + "}   "
    let one: [UInt8] = [0, 0, 0x80, 0x3f]
    let path = try ModelFixture.file(
      safetensorsBytes(Array(header.utf8), data: one + [UInt8](repeating: 7, count: 6)))
    let file = try Safetensors(path: path)
    #expect(file.metadata == ["k": "é😀\n"])
    #expect(file.tensors.map(\.name) == ["scalar", "none", "half"])
    #expect(file.tensors.map(\.type) == [.f32, .f32, .f16])
    #expect(try file.numbers(file.tensors[0]) == [1])
    #expect(try file.numbers(file.tensors[1]) == [])
  }

  /// The bytes are spelt out, so that reader and writer cannot agree on a wrong format.
  @Test func writesTheFormat() throws {
    let path = try ModelFixture.folder() + "/out.safetensors"
    let tensors = [
      Safetensors.Output(name: "b", shape: [1]) { [-2] },
      Safetensors.Output(name: "a", shape: [1, 2]) { [1, 0.5] },
    ]
    try Safetensors.write(tensors, metadata: ["z": "\"\u{1}\\", "a": "é"], to: path)
    var header =
      #"{"__metadata__":{"a":"é","z":"\"\u0001\\"},"a":{"dtype":"F32","shape":[1,2],"#
      + #""data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#
    while header.utf8.count % 8 != 0 { header += " " }
    let data: [UInt8] = [0, 0, 0x80, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0, 0xc0]
    let expected = safetensorsBytes(Array(header.utf8), data: data)
    #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path))) == expected)
    #expect(try Safetensors(path: path).metadata == ["z": "\"\u{1}\\", "a": "é"])
  }

  @Test func leavesTheOldFileWhenATensorFails() throws {
    struct Failure: Error {}
    let folder = try ModelFixture.folder()
    try "old".write(toFile: folder + "/a", atomically: false, encoding: .utf8)
    let tensors = [
      Safetensors.Output(name: "a", shape: [1]) { [1] },
      Safetensors.Output(name: "b", shape: [1]) { throw Failure() },
    ]
    #expect(throws: Failure.self) {
      try Safetensors.write(tensors, metadata: [:], to: folder + "/a")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
    #expect(try String(contentsOfFile: folder + "/a", encoding: .utf8) == "old")
  }

  @Test func refusesWhatIsNoOrdinaryFile() throws {
    let folder = try ModelFixture.folder()
    #expect(
      throws: SafetensorsError.unreadable(
        FileError(operation: "read", path: folder, code: EISDIR))
    ) { try Safetensors(path: folder) }
    #expect(throws: SafetensorsError.self) { try Safetensors(path: "/dev/zero") }
    #expect(throws: SafetensorsError.self) { try Safetensors(path: folder + "/absent") }
  }
}
