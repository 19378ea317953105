import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Exchange

/// Weights of other kinds of floating-point numbers are read as float32.
@Suite struct WideningTests {
  private func bytes<Number: FixedWidthInteger>(_ patterns: [Number]) -> [UInt8] {
    patterns.flatMap { pattern in
      (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: pattern >> Number(8 * $0)) }
    }
  }

  /// A file with one tensor, `w`.
  private func file(_ type: String, _ data: [UInt8], count: Int) throws -> Safetensors {
    let header = "{" + described("w", "[\(count)]", "[0,\(data.count)]", type) + "}"
    return try Safetensors(
      path: ModelFixture.file(safetensorsBytes(Array(header.utf8), data: data)))
  }

  private func numbers(_ type: String, _ data: [UInt8], count: Int) throws -> [Float] {
    let file = try file(type, data, count: count)
    return try file.numbers(file.tensors[0])
  }

  private func areSame(_ one: Float, _ other: Float) -> Bool {
    one.bitPattern == other.bitPattern || one.isNaN && other.isNaN
  }

  /// What a pattern of a sign, `exponent` and `fraction` bits means, from the definition.
  private func meaning(_ pattern: UInt16, exponent: Int, fraction: Int) -> Float {
    let sign: Double = pattern >> 15 == 1 ? -1 : 1
    let power = Int(pattern >> UInt16(fraction)) & (1 << exponent - 1)
    let part = Double(Int(pattern) & (1 << fraction - 1)) / Double(1 << fraction)
    let bias = 1 << (exponent - 1) - 1
    if power == 1 << exponent - 1 { return part == 0 ? Float(sign) * .infinity : .nan }
    let size = power == 0 ? part * exp2(Double(1 - bias)) : (1 + part) * exp2(Double(power - bias))
    return Float(sign * size)
  }

  /// All patterns that there are; the file is longer than what is read at once.
  @Test(arguments: [("F16", 5, 10), ("BF16", 8, 7)])
  func halvesAreExact(_ type: String, _ exponent: Int, _ fraction: Int) throws {
    let patterns = (0..<5).flatMap { _ in UInt16.min...UInt16.max }
    let found = try numbers(type, bytes(patterns), count: patterns.count)
    #expect(found.count == patterns.count)
    let wrong = zip(found, patterns).filter { number, pattern in
      !areSame(number, meaning(pattern, exponent: exponent, fraction: fraction))
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
  }

  @Test func doublesAreRoundedToNearest() throws {
    let values: [Double] = [
      0.1, -0.0, 1 + 0x1p-24, 1 + 0x1.8p-24, 1 - 0x1p-26, 0x1p-150, 0x1.8p-149, 3.4028235e38,
      -3.40282356e38, .infinity, -.infinity, .nan,
    ]
    let expected: [Float] = [
      0.1, -0.0, 1, 1 + 0x1p-23, 1, 0, 0x1p-148, 3.4028235e38, -3.4028235e38, .infinity,
      -.infinity, .nan,
    ]
    let found = try numbers("F64", bytes(values.map(\.bitPattern)), count: values.count)
    #expect(found.count == expected.count)
    for (number, right) in zip(found, expected) { #expect(areSame(number, right), "\(number)") }
  }

  @Test func aDoubleBeyondTheRangeIsAnErrorThatNamesItsTensor() throws {
    let file = try file("F64", bytes([1.5, -1e39].map(\.bitPattern)), count: 2)
    let error = SafetensorsError.beyondRange(path: file.path, name: "w", value: -1e39)
    #expect(throws: error) { try file.numbers(file.tensors[0]) }
    #expect(error.message.contains(": w has the number -1e+39"))
    #expect(try file.numbers(file.tensors[0], 0..<1) == [1.5])
  }

  @Test func otherNumbersAreRefused() throws {
    let file = try file("I32", bytes([1, 2] as [Int32]), count: 2)
    #expect(throws: SafetensorsError.self) { try file.numbers(file.tensors[0]) }
  }

  /// A file with the parameters of the fixture's model, and what training keeps, of such numbers.
  private func checkpoint(_ type: String, one: [UInt8]) throws -> String {
    var (entries, data): ([String], [UInt8]) = ([], [])
    for (_, prefix) in Checkpoint.prefixes {
      for (name, shape, count) in [("token", "[12,6]", 72), ("expert.weight", "[2,12,6]", 144)] {
        let isSteps = prefix == "adam_t."
        let steps = name == "token" ? 1 : 2
        let start = data.count
        for _ in 0..<(isSteps ? steps : count) { data += one }
        entries.append(
          described(prefix + name, isSteps ? "[\(steps)]" : shape, "[\(start),\(data.count)]", type)
        )
      }
    }
    let header = "{\"__metadata__\":{\"step\":\"1\"},\(entries.joined(separator: ","))}"
    return try ModelFixture.file(safetensorsBytes(Array(header.utf8), data: data))
  }

  @Test func weightsOfEveryKindAreTaken() throws {
    let kinds: [(String, [UInt8])] = [
      ("F16", [0, 0x3e]), ("BF16", [0xc0, 0x3f]), ("F64", [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]),
    ]
    for (type, one) in kinds {
      let model = try Model(ModelLibrary(path: ModelFixture.bigram()))
      let path = try checkpoint(type, one: one)
      try Checkpoint(path: path, contents: .weights, manifest: model.manifest).restore(into: model)
      #expect(try model.read(.value, 0) == [Float](repeating: 1.5, count: 72), "\(type)")
      #expect(try model.read(.value, 1) == [Float](repeating: 1.5, count: 144), "\(type)")
    }
  }

  /// Going on exactly cannot begin from numbers that were rounded.
  @Test func trainingDoesNotGoOnFromHalves() throws {
    let manifest = try ModelLibrary(path: ModelFixture.bigram()).manifest
    let half = try checkpoint("BF16", one: [0xc0, 0x3f])
    let error = #expect(throws: SafetensorsError.self) {
      try Checkpoint(path: half, contents: .training, manifest: manifest)
    }
    #expect(error?.hint.contains("--weights FILE") == true)
    let double = try checkpoint("F64", one: [0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
    _ = try Checkpoint(path: double, contents: .training, manifest: manifest)
  }

  @Test func areConverted() throws {
    let map = try NameMap("a.{l}  b.{l}.{e}  stack e", path: "map")
    let header =
      "{" + described("b.0.0", "[2]", "[0,4]", "BF16") + ","
      + described("b.0.1", "[2]", "[4,8]", "F16") + "}"
    let data: [UInt8] = [0xc0, 0x3f, 0, 0x40, 0, 0x3e, 0, 0x40]
    let file = try Safetensors(
      path: ModelFixture.file(safetensorsBytes(Array(header.utf8), data: data)))
    let outputs = try NameConversion(file, map).outputs
    #expect(outputs.map(\.name) == ["a.0"])
    #expect(outputs.map(\.shape) == [[2, 2]])
    #expect(try outputs[0].numbers() == [1.5, 2, 1.5, 2])
  }
}
