import Foundation
import ModelFixtures
import Testing

@testable import Tracking

@Suite struct TensorBoardTests {
  /// Known checksums: RFC 3720 for the plain one, TensorFlow's own test for the masked one.
  @Test func checksumsAreCastagnolis() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(CRC32C.checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(CRC32C.checksum("123456789".utf8) == 0xe306_9283)
    let crc = CRC32C.checksum("foo".utf8)
    #expect(CRC32C.masked("foo".utf8) == (crc >> 15 | crc << 17) &+ 0xa282_ead8)
  }

  @Test func numbersAreVariable() {
    var buffer = ProtocolBuffer()
    buffer.add(2, Int64(300))
    buffer.add(3, "ab")
    buffer.add(2, Float(1))
    #expect(buffer.bytes == [0x10, 0xac, 0x02, 0x1a, 2, 0x61, 0x62, 0x15, 0, 0, 0x80, 0x3f])
  }

  private func written(resumedAt resumed: Int? = nil) throws -> String {
    let folder = try ModelFixture.folder() + "/a/b"
    let writer = try TensorBoardWriter(folder: folder, resumedAt: resumed) { Issue.record("\($0)") }
    writer.log(parameters: ["steps": "5", "model": "bigram"])
    for step in 0..<3 {
      writer.log(metrics: ["val_loss": 2 - Double(step) / 4, "other": .nan], step: 100 * step)
    }
    writer.finish(.finished)
    return folder
  }

  @Test func readsBackWhatItWrote() throws {
    let folder = try written()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(names.count == 1 && names[0].hasPrefix("events.out.tfevents."))
    let events = try EventFile.read(folder + "/" + names[0])
    #expect(events.count == 5)
    #expect(events[0].version == "brain.Event:2")
    #expect(abs(events[0].time - Date().timeIntervalSince1970) < 60)
    #expect(events.map(\.step) == [0, 0, 0, 100, 200])
    #expect(events[1].tags == ["parameters"])
    #expect(events.dropFirst(2).allSatisfy { $0.tags == ["other", "loss/validation"] })
    #expect(events.dropFirst(2).map { $0.scalars["loss/validation"] } == [2, 1.75, 1.5])
    #expect(events[2].scalars["other"]?.isNaN == true)
  }

  @Test func tellsThatARunGoesOn() throws {
    let folder = try written(resumedAt: 100)
    let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder).first)
    let events = try EventFile.read(folder + "/" + name)
    #expect(events[1].step == 100 && events[1].isStart)
  }

  @Test func saysOnceThatTheDiskIsFull() throws {
    #expect(throws: (any Error).self) {
      try TensorBoardWriter(folder: "/dev/null/a") { _ in }
    }
  }

  /// Python with the `tensorboard` package: MOEC_TENSORBOARD_PYTHON, or `python3` if it has it.
  static let python: String? = {
    let named = ProcessInfo.processInfo.environment["MOEC_TENSORBOARD_PYTHON"]
    return [named, "python3"].compactMap { $0 }.first { python in
      let result = try? Command.run("/usr/bin/env", [python, "-c", "import tensorboard"])
      return result?.status == 0
    }
  }()

  @Test(
    .enabled(
      if: python != nil,
      "needs the PyPI package tensorboard: pip install tensorboard, or MOEC_TENSORBOARD_PYTHON"))
  func tensorboardReadsIt() throws {
    let folder = try written()
    let script = """
      import sys
      from tensorboard.backend.event_processing import event_accumulator
      a = event_accumulator.EventAccumulator(sys.argv[1])
      a.Reload()
      print(sorted(a.Tags()["scalars"]), a.Tags()["tensors"])
      print([(e.step, e.value) for e in a.Scalars("loss/validation")])
      print(a.Tensors("parameters/text_summary" if "parameters/text_summary" in a.Tags()["tensors"]
                      else "parameters")[0].tensor_proto.string_val[0].decode())
      """
    let python = try #require(Self.python)
    let result = try Command.run("/usr/bin/env", [python, "-c", script, folder])
    #expect(
      result.output == """
        ['loss/validation', 'other'] ['parameters']
        [(0, 2.0), (100, 1.75), (200, 1.5)]
        | name | value |
        |---|---|
        | model | bigram |
        | steps | 5 |

        """, "\(result.errors)")
  }
}

/// A reader of event files that knows of the writer's code nothing but the checksum.
struct EventFile {
  var time = 0.0
  var step = 0
  var version: String?
  var isStart = false
  var tags: [String] = []
  var scalars: [String: Float] = [:]

  struct Damaged: Error {}

  static func read(_ path: String) throws -> [EventFile] {
    var rest = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))[...]
    var events: [EventFile] = []
    while !rest.isEmpty {
      let length = Array(rest.prefix(8))
      let count = Int(number(length[...]))
      guard rest.count >= 16 + count, number(rest.dropFirst(8).prefix(4)) == CRC32C.masked(length)
      else { throw Damaged() }
      let bytes = rest.dropFirst(12).prefix(count)
      guard number(rest.dropFirst(12 + count).prefix(4)) == CRC32C.masked(bytes) else {
        throw Damaged()
      }
      events.append(try event(bytes))
      rest = rest.dropFirst(16 + count)
    }
    return events
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func event(_ bytes: ArraySlice<UInt8>) throws -> EventFile {
    var event = EventFile()
    for (field, value) in try fields(bytes) {
      switch field {
      case 1: event.time = Double(bitPattern: number(value))
      case 2: event.step = Int(number(value))
      case 3: event.version = String(decoding: value, as: UTF8.self)
      case 5: for (_, value) in try fields(value) { try event.add(value) }
      case 7: event.isStart = try fields(value).contains { $0.field == 1 && $0.value == [1] }
      default: throw Damaged()
      }
    }
    return event
  }

  private mutating func add(_ bytes: ArraySlice<UInt8>) throws {
    var tag = ""
    for (field, value) in try EventFile.fields(bytes) {
      if field == 1 {
        tag = String(decoding: value, as: UTF8.self)
        tags.append(tag)
      }
      if field == 2 {
        scalars[tag] = Float(bitPattern: UInt32(EventFile.number(value)))
      }
    }
  }

  /// Fields in order; variable numbers as their eight bytes, one if they fit in it.
  private static func fields(
    _ bytes: ArraySlice<UInt8>
  ) throws -> [(field: Int, value: ArraySlice<UInt8>)] {
    var rest = bytes
    var fields: [(field: Int, value: ArraySlice<UInt8>)] = []
    func variable() throws -> UInt64 {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while let byte = rest.popFirst() {
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      throw Damaged()
    }
    while !rest.isEmpty {
      let key = try variable()
      let count: Int
      switch key & 7 {
      case 0:
        let value = try variable()
        fields.append((Int(key >> 3), value < 256 ? [UInt8(value)] : littleEndian(value)[...]))
        continue
      case 1: count = 8
      case 2: count = Int(try variable())
      case 5: count = 4
      default: throw Damaged()
      }
      guard rest.count >= count else { throw Damaged() }
      fields.append((Int(key >> 3), rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    return fields
  }
}
