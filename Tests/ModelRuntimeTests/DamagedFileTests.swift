import Foundation
import ModelFixtures
import Testing

@testable import ModelRuntime

/// Every reader takes or refuses what it is given, soon and without a trap.
@Suite struct DamagedFileTests {
  private func bytes(_ path: String) throws -> [UInt8] { try WholeFile.bytes(of: path) }

  private func stateDict() throws -> [UInt8] {
    let model = [
      "token.weight": [3, 4], "block.0.attention.norm.weight": [4],
      "block.0.attention.norm.bias": [4], "block.0.mixture.up.weight": [2, 3, 4],
      "block.0.mixture.up.bias": [2, 3], "adam_m.token.weight": [3, 4],
    ]
    let path = try ModelFixture.folder() + "/small.safetensors"
    let outputs = model.map { name, shape in
      Safetensors.Output(name: name, shape: shape) {
        (0..<shape.reduce(1, *)).map { Float($0) }
      }
    }
    try Safetensors.write(outputs, metadata: ["axes": "H=2 B=4", "step": "3"], to: path)
    return try bytes(path)
  }

  private static let map = """
    token.weight  tokens.weight
    block.{l}.attention.norm.{weight,bias}  h.{l}.ln.{weight,bias}  optional
    block.{l}.mixture.up.{weight,bias}  h.{l}.experts.{e}.up.{weight,bias}  stack e
    block.{l}.attention.query.weight  h.{l}.q.{h}.weight  concatenate h transpose optional
    count h axis H
    ignore h.{l}.extra
    triangle h.{l}.mask of token.weight
    """

  @Test func weightsAndTheirConversion() throws {
    let manifest = try ModelLibrary(path: try ModelFixture.bigram()).manifest
    let map = try NameMap(Self.map, path: "map")
    let path = try ModelFixture.folder() + "/damaged.safetensors"
    let half = safetensorsBytes(
      "{\(described("token.weight", "[3,4]", "[0,24]", "BF16"))}", data: 24)
    let outcome = Damaged([try stateDict(), half], count: 400).read { bytes in
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let file = try Safetensors(path: path)
      for tensor in file.tensors where tensor.type.isReal { _ = try? file.numbers(tensor) }
      for contents in [Checkpoint.Contents.weights, .training] {
        _ = try? Checkpoint(path: path, contents: contents, manifest: manifest)
      }
      let conversion = try NameConversion(file, map, counts: ["h": 2], buffers: true)
      for output in conversion.outputs { _ = try output.numbers() }
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  @Test func nameMaps() throws {
    let path = try fileWith(try stateDict())
    let file = try Safetensors(path: path)
    let outcome = Damaged([Array(Self.map.utf8), Array(NameMap.makemoe.utf8)], count: 400)
      .read { bytes in
        let map = try NameMap(String(decoding: bytes, as: UTF8.self), path: "map")
        let conversion = try? NameConversion(file, map, buffers: true)
        for output in conversion?.outputs ?? [] { _ = try output.numbers() }
      }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  @Test func routes() throws {
    let manifest = try ModelLibrary(path: try ModelFixture.routed()).manifest
    let header = try RouteHeader(of: manifest, passes: 2, firstStep: 0)
    let count = header.batch * header.context * header.routers.reduce(0) { $0 + $1.choices }
    let path = try ModelFixture.folder() + "/routes"
    let recorder = try RouteRecorder(path: path, header)
    for pass in 0..<4 { try recorder.append((0..<count).map { Int32(($0 + pass) % 2) }) }
    try recorder.commit()
    let outcome = Damaged([try bytes(path)], count: 400).read { bytes in
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let reader = try RouteReader(path: path)
      try reader.check(reader.header, steps: reader.steps)
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  @Test func manifests() throws {
    let library = try ModelLibrary(path: try ModelFixture.routed())
    let json = try #require(library.functions.manifest().map { String(cString: $0) })
    let outcome = Damaged([Array(json.utf8)], count: 400).read { bytes in
      let manifest = try Manifest.decode(String(decoding: bytes, as: UTF8.self))
      _ = (manifest.parameterCount, manifest.fingerprint)
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  @Test func librariesAndTheirSources() throws {
    let machO = Self.machO(commands: 3, sections: 2)
    let library = try bytes(try ModelFixture.bigram())
    let path = try ModelFixture.folder() + "/damaged.so"
    let outcome = Damaged([library, machO], count: 200).read { bytes in
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      _ = try ObjectFile.defect(of: try InputFile(path: path))
      _ = try? EmbeddedSources(library: path)
    }
    #expect(outcome.slow == [])
    let sources = EmbeddedSources.magic + Self.words([1, 2]) + Array("axy".utf8)
    let parsed = Damaged([sources], count: 1000).read { _ = try EmbeddedSources.parse($0) }
    #expect(parsed.slow == [])
    #expect(parsed.taken > 0)
  }

  /// Commands of eight bytes, every second one with 4000 sections that lie in the others.
  @Test(.timeLimit(.minutes(1))) func overlappingLoadCommandsAreRefused() throws {
    let count = 50_000
    let commands = (0..<count).map { UInt64($0 % 16 < 8 ? 0x19 : 4000) | 8 << 32 }
    let bytes =
      Self.words([0xfeed_facf, 0, UInt64(count), 0] + commands)
      + [UInt8](repeating: 0, count: 4000 * 80 + 200)
    let path = try fileWith(bytes, named: "overlapping")
    let reason = "a load command is too short for its sections"
    #expect(throws: EmbeddedSourcesError.damaged(path: path, reason: reason)) {
      try EmbeddedSources(library: path)
    }
  }

  private static func words(_ words: [UInt64]) -> [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
  }

  private static func machO(commands: UInt64, sections: UInt64) -> [UInt8] {
    var bytes = words([0xfeed_facf, 0, commands, 0])
    for _ in 0..<min(commands, 10) {
      var command = words([0x19 | (72 + 80 * sections) << 32]) + [UInt8](repeating: 0, count: 64)
      command.replaceSubrange(64..<72, with: words([sections]))
      bytes += command + [UInt8](repeating: 0, count: Int(80 * sections))
    }
    return bytes
  }
}
