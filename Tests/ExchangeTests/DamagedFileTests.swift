import Foundation
import ModelFixtures
import ModelRuntime
import SystemFiles
import Testing

@testable import Exchange

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
    let path = try ModelFixture.file(try stateDict())
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
}
