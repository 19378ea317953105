import CompiledModels
import GraphIR
import ModelRuntime
import Passes
import Testing
import Upcycling

/// A mixture made of a dense model computes what that did.
@Suite struct FunctionTests {
  private static let families: [FamilyModel.Family] = [
    .llama, .mixtral, .olmoe, .qwen2MoE, .qwen3MoE, .deepseekV3,
  ]

  private static func dense(_ family: FamilyModel.Family) throws -> DenseModel {
    DenseModel(
      try FamilyModel(family) {
        $0.experts = 0
        $0.F = 12
      }.graph())
  }

  private static func mixture(
    _ family: FamilyModel.Family, _ change: (inout FamilyModel) -> Void = { _ in }
  ) throws -> Graph {
    try FamilyModel(family) {
      ($0.experts, $0.chosen, $0.F) = (4, 2, 12)
      $0.biasRate = 0.001
      change(&$0)
    }.graph()
  }

  @Test("Copies whose weights sum to 1 are the dense function", arguments: families)
  func copiesChangeNothing(_ family: FamilyModel.Family) throws {
    let dense = try Self.dense(family)
    let graph = try Self.mixture(family)
    let (parameters, upcycling) = try dense.upcycled(into: graph)
    #expect(upcycling.notes.isEmpty)
    #expect(upcycling.report.count == 2, "\(upcycling.report)")
    let found = difference(
      try logits(graph, parameters), try logits(dense.graph, dense.parameters))
    #expect(found < 1e-12)
  }

  @Test(
    "A copy of slices that are chosen together is the dense function",
    arguments: families, [(2, 8, 4), (3, 6, 3), (4, 4, 4), (12, 24, 12)])
  func slicesAddUp(
    _ family: FamilyModel.Family, _ numbers: (granularity: Int, experts: Int, chosen: Int)
  ) throws {
    let dense = try Self.dense(family)
    let graph = try Self.mixture(family) {
      ($0.experts, $0.chosen) = (numbers.experts, numbers.chosen)
      $0.F = 12 / numbers.granularity
    }
    let (parameters, upcycling) = try dense.upcycled(
      into: graph, .init(granularity: numbers.granularity))
    #expect(upcycling.report[0].contains("scaled by \(numbers.granularity)"))
    let found = difference(
      try logits(graph, parameters), try logits(dense.graph, dense.parameters))
    // A scale of 3 is rounded into single precision.
    #expect(found < 1e-6)
  }

  /// s = ε γ² / k where a softmax over all comes before the choice.
  @Test("Weights that sum to less are scaled for", arguments: [1, 2])
  func sumsBelowOneAreScaled(granularity: Int) throws {
    let dense = try Self.dense(.olmoe)
    let (experts, chosen) = (4 * granularity, 2 * granularity)
    let graph = try Self.mixture(.olmoe) {
      ($0.experts, $0.chosen, $0.isNormalized) = (experts, chosen, false)
      $0.F = 12 / granularity
    }
    let reference = try logits(dense.graph, dense.parameters)
    let even = try dense.upcycled(into: graph, .init(routerDeviation: 0))
    let scale = 4 * granularity * granularity / chosen
    #expect(even.upcycling.report[0].contains("scaled by \(scale)"), "\(even.upcycling.report)")
    #expect(even.upcycling.notes.count == 1)
    #expect(difference(try logits(graph, even.parameters), reference) < 1e-12)
    let drawn = try dense.upcycled(into: graph)
    let found = difference(try logits(graph, drawn.parameters), reference)
    #expect(found > 1e-4 && found < 0.5, "\(found)")
  }

  @Test(
    "With an expert of all tokens the sum is the dense function",
    arguments: [FamilyModel.Family.qwen2MoE, .deepseekV3],
    [(12, 12), (6, 6), (3, 4), (9, 4), (6, 3)])
  func sharedExpertsTakePart(
    _ family: FamilyModel.Family, _ widths: (shared: Int, expert: Int)
  ) throws {
    let dense = try Self.dense(family)
    let expert = widths.shared % widths.expert == 0 ? widths.expert : 3
    let slices = 12 / expert
    let shared = widths.shared / expert
    let together = shared < slices ? slices - shared : slices
    let graph = try Self.mixture(family) {
      ($0.shared, $0.F) = (widths.shared, expert)
      ($0.experts, $0.chosen) = (4 * together, 2 * together)
      $0.scaled = family == .deepseekV3 ? 2.5 : 1
    }
    let (parameters, upcycling) = try dense.upcycled(into: graph)
    #expect(upcycling.notes.isEmpty, "\(upcycling.notes)")
    let found = difference(
      try logits(graph, parameters), try logits(dense.graph, dense.parameters))
    #expect(found < 1e-6, "\(upcycling.report)")
  }

  @Test("An MLP with biases and no gate", arguments: [1, 2, 4], ["proj", "down"])
  func biasesArePartOfIt(granularity: Int, last: String) throws {
    let dense = DenseModel(try PlainModel(width: 24).graph())
    let graph = try PlainModel(
      experts: 4 * granularity, chosen: 2 * granularity, width: 24 / granularity, last: last
    ).graph()
    let (parameters, _) = try dense.upcycled(into: graph)
    let found = difference(
      try logits(graph, parameters), try logits(dense.graph, dense.parameters))
    #expect(found < 1e-12)
  }

  @Test func aNoisyRouterChoosesAmongCopies() throws {
    let dense = DenseModel(try PlainModel(width: 24).graph())
    let graph = try PlainModel(experts: 4, width: 24, isNoisy: true).graph()
    let (parameters, upcycling) = try dense.upcycled(into: graph)
    #expect(parameters["block.0.mixture.noise.weight"]?.contains { $0 != 0 } == true)
    #expect(upcycling.notes.isEmpty)
    let found = difference(
      try logits(graph, parameters), try logits(dense.graph, dense.parameters))
    #expect(found < 1e-12)
    let sliced = try PlainModel(experts: 8, chosen: 4, width: 12, isNoisy: true).graph()
    let notes = try dense.upcycled(into: sliced).upcycling.notes
    #expect(notes.count == 1 && notes[0].contains("noise"))
    let tight = try PlainModel(experts: 4, width: 24, capacity: 1).graph()
    #expect(try dense.upcycled(into: tight).upcycling.notes.count == 1)
  }

  /// A library carries the graph after all passes.
  @Test(
    "Passes change nothing in what becomes of the weights",
    arguments: [Pipeline.standard, Pipeline.inference, Pipeline.standard(expertRanks: 2)])
  func passesChangeNothing(_ passes: [Pass]) throws {
    let families: [(FamilyModel.Family, (inout FamilyModel) -> Void)] = [
      (.mixtral, { _ in }), (.olmoe, { $0.isNormalized = false }), (.qwen2MoE, { $0.shared = 12 }),
      (.qwen3MoE, { ($0.F, $0.experts, $0.chosen) = (6, 8, 4) }),
      (.deepseekV3, { ($0.shared, $0.F, $0.scaled) = (6, 6, 2.5) }),
    ]
    for (family, change) in families {
      let dense = try Self.dense(family)
      try expectSame(dense, try Self.mixture(family, change), passes)
    }
    let plain = DenseModel(try PlainModel(width: 24).graph())
    for isNoisy in [false, true] {
      let graph = try PlainModel(experts: 8, chosen: 4, width: 12, isNoisy: isNoisy).graph()
      try expectSame(plain, graph, passes)
    }
  }

  private func expectSame(_ dense: DenseModel, _ graph: Graph, _ passes: [Pass]) throws {
    let traced = try dense.upcycled(into: graph)
    let carried = try dense.upcycled(into: try Pipeline(passes).run(graph))
    #expect(carried.parameters == traced.parameters)
    #expect(carried.upcycling.report == traced.upcycling.report)
    #expect(carried.upcycling.notes == traced.upcycling.notes)
  }

  @Test("The compiled C agrees, and experts that learn grow apart")
  func compiledModelsAgree() throws {
    let dense = try Self.dense(.llama)
    let graph = try Self.mixture(.llama) { ($0.experts, $0.chosen, $0.F) = (8, 4, 6) }
    let (parameters, _) = try dense.upcycled(into: graph)
    let compiled = try CompiledModel(graph)
    let model = try Model(compiled.library)
    model.initialize(seed: 0)
    for (index, parameter) in model.manifest.parameters.enumerated() {
      try model.write(parameters[parameter.name] ?? [], .value, index)
    }
    let (length, count) = (graph.context.size, graph.batch.size * graph.context.size)
    let tokens = (0..<count).map { Int32(($0 * 7 + 3) % graph.vocabulary.size) }
    var found: [Float] = []
    for start in stride(from: 0, to: count, by: length) {
      found += try model.logits(tokens: Array(tokens[start..<start + length]), seed: 1)
    }
    let reference = try logits(dense.graph, dense.parameters)
    #expect(difference(found.map(Double.init), reference) < 1e-5)

    let name = "block.0.mixture.up.weight"
    let index = try #require(model.manifest.parameters.firstIndex { $0.name == name })
    for seed: UInt64 in 1...3 {
      _ = try model.trainStep(
        tokens: tokens, targets: tokens.map { ($0 + 1) % Int32(graph.vocabulary.size) },
        with: Hyperparameters(model.manifest.defaults, seed: seed))
    }
    let learned = try model.read(.value, index)
    let size = learned.count / 8
    #expect(learned[..<size] != learned[2 * size..<3 * size], "two copies of one slice")
  }
}
