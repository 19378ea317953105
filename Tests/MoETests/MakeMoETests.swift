import CompiledModels
import GraphIR
import Testing

@testable import MoE

@Suite struct MakeMoETests {
  /// Name and shape of every parameter of one block, in order of creation.
  static let block: [(String, [Int])] = [
    ("attention.norm.weight", [128]), ("attention.norm.bias", [128]),
    ("attention.query.weight", [128, 128]), ("attention.key.weight", [128, 128]),
    ("attention.value.weight", [128, 128]),
    ("attention.proj.weight", [128, 128]), ("attention.proj.bias", [128]),
    ("mixture.norm.weight", [128]), ("mixture.norm.bias", [128]),
    ("mixture.gate.weight", [8, 128]), ("mixture.gate.bias", [8]),
    ("mixture.noise.weight", [8, 128]), ("mixture.noise.bias", [8]),
    ("mixture.up.weight", [8, 512, 128]), ("mixture.up.bias", [8, 512]),
    ("mixture.down.weight", [8, 128, 512]), ("mixture.down.bias", [8, 128]),
  ]

  @Test func parametersHaveTheirNamesAndShapes() throws {
    let blocks = (0..<8).flatMap { index in
      Self.block.map { ("block.\(index).\($0.0)", $0.1) }
    }
    let expected =
      [("token.weight", [65, 128]), ("position.weight", [32, 128])] + blocks
      + [("final.weight", [128]), ("final.bias", [128]), ("head.weight", [65, 128])]
      + [("head.bias", [65])]
    let parameters = try MakeMoE.reference.graph().parameters.map(\.parameter)
    #expect(parameters.map(\.name) == expected.map(\.0))
    #expect(parameters.map { $0.axes.map(\.size) } == expected.map(\.1))
  }

  @Test func thereAre8996545Parameters() throws {
    let graph = try MakeMoE.reference.graph()
    #expect(graph.parameters.reduce(0) { $0 + graph.nodes[$1.node].types[0].count } == 8_996_545)
  }

  @Test func aBlockConsistsOfTheseNodes() throws {
    let nodes = try MakeMoE.reference.graph().nodes.filter {
      $0.scope.hasPrefix("block.3") && $0.op.kind != .parameter
    }
    #expect(
      nodes.map { "\($0.scope.dropFirst(8)) \($0.op.mnemonic) \($0.types[0])" } == [
        "attention.norm layerNorm f32[B, T, C]",
        "attention.query linear f32[B, T, C]", "attention splitHeads f32[B, H, T, D]",
        "attention.key linear f32[B, T, C]", "attention splitHeads f32[B, H, T, D]",
        "attention.value linear f32[B, T, C]", "attention splitHeads f32[B, H, T, D]",
        "attention transpose f32[B, H, D, T]", "attention matmul f32[B, H, T, T]",
        "attention pointwise f32[B, H, T, T]", "attention causalMask f32[B, H, T, T]",
        "attention softmax f32[B, H, T, T]", "attention pointwise f32[B, H, T, T]",
        "attention matmul f32[B, H, T, D]", "attention mergeHeads f32[B, T, C]",
        "attention.proj linear f32[B, T, C]", "attention pointwise f32[B, T, C]",
        " pointwise f32[B, T, C]",
        "mixture.norm layerNorm f32[B, T, C]", "mixture.gate linear f32[B, T, E]",
        "mixture.noise linear f32[B, T, E]", "mixture pointwise f32[B, T, E]",
        "mixture pointwise f32[B, T, E]", "mixture pointwise f32[B, T, E]",
        "mixture pointwise f32[B, T, E]", "mixture top f32[B, T, K]",
        "mixture softmax f32[B, T, K]", "mixture route i32[E+1]",
        "mixture dispatch f32[B·T·K, C] by E", "mixture.up linear f32[B·T·K, 4C] by E",
        "mixture pointwise f32[B·T·K, 4C] by E", "mixture.down linear f32[B·T·K, C] by E",
        "mixture pointwise f32[B·T·K, C] by E", "mixture combine f32[B, T, C]",
        " pointwise f32[B, T, C]",
      ])
  }

  @Test func randomStreamsAreNumberedInOrderOfCreation() throws {
    let streams = try MakeMoE.reference.graph().nodes.flatMap { node in
      if case .pointwise(let op) = node.op { op.expression.streams } else { [Int]() }
    }
    #expect(streams == Array(0..<32))
  }

  @Test func logitsAndLossAreBound() throws {
    let graph = try MakeMoE.reference.graph()
    #expect(graph.outputs.map(\.output) == [.logits, .loss])
    #expect(graph[.logits].map { graph.type(of: $0).description } == "f32[B, T, V]")
    #expect(graph[.loss].map { graph.type(of: $0) } == .scalar)
    #expect(graph.optimizer == .adamW(learningRate: 1e-3))
  }

  @Test func nodesKnowTheFileWithoutItsFolder() throws {
    let files = Set(try MakeMoE.reference.graph().nodes.compactMap(\.location?.file))
    #expect(files == ["MakeMoE.swift"])
  }

  @Test func theTextReadsBack() throws {
    let graph = try MakeMoE.reference.graph()
    #expect(try Graph(parsing: graph.text) == graph)
  }
}
