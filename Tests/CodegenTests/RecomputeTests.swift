import CompiledModels
import GraphIR
import MoE
import ModelRuntime
import Planning
import Testing

/// Libraries whose backward runs the forward of repeated layers again: the same bits, with less memory.
@Suite struct RecomputeTests {
  /// Trains some steps, with choices that are replayed in one, and asks for all that a library tells.
  private func bits(_ library: ModelLibrary, threads: Int) throws -> [[UInt32]] {
    let model = try Model(library)
    try model.setThreads(threads)
    model.initialize(seed: 5)
    let manifest = library.manifest
    let count = manifest.batch * manifest.context
    func ids(_ number: Int) -> [Int32] {
      (0..<count).map { Int32(($0 * 7919 + number * 104_729 + $0 / 3) % manifest.vocabulary) }
    }
    var told: [Float] = []
    for step in 0..<4 {
      if step == 2, !manifest.routers.isEmpty {
        let routes = try model.routes(tokens: count)
        try model.replay(routes.flatMap(\.experts), tokens: count)
      }
      told.append(
        try model.trainStep(
          tokens: ids(2 * step), targets: ids(2 * step + 1),
          with: Hyperparameters(manifest.defaults, seed: UInt64(step))))
      told.append(try model.loss(tokens: ids(3), targets: ids(4), seed: 1))
    }
    _ = try model.gradients(tokens: ids(10), targets: ids(11), seed: 5)
    var bits = try model.allBits()
    if !manifest.routers.isEmpty {
      for routes in try model.routes(tokens: count) {
        told += routes.experts.map { Float($0) }
        told += routes.weights
      }
      for mode in [Model.PassMode.training, .evaluation] {
        for load in try model.takeExpertLoads(mode).joined() {
          told += [Float(load.chosen), Float(load.kept), Float(load.weight)]
        }
      }
    }
    for length in [1, 2, manifest.context] {
      told += try model.logits(tokens: Array(ids(1).prefix(length)), seed: 3)
    }
    bits.append(told.map(\.bitPattern))
    return bits
  }

  private func expectSame(_ graph: Graph, accumulates: Bool = false) throws {
    let usual = try CompiledModel(graph, accumulates: accumulates)
    let again = try CompiledModel(graph, accumulates: accumulates, recomputes: true)
    #expect(again.plan.memory.saved < usual.plan.memory.saved)
    #expect(again.plan.memory.optimizer == usual.plan.memory.optimizer)
    #expect(try Plan(parsing: again.plan.text, of: again.plan.graph) == again.plan)
    let expected = try bits(usual.library, threads: 1)
    for threads in [1, 3] { #expect(try bits(again.library, threads: threads) == expected) }
  }

  @Test("Dropout, noise and routers with a capacity")
  func makemoe() throws {
    let model = MakeMoE("again") {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (3, 8, 17, 16, 2, 4)
      ($0.experts, $0.chosen, $0.dropout, $0.capacity) = (4, 2, 0.1, 1)
    }
    try expectSame(model.graph())
    try expectSame(model.graph(), accumulates: true)
  }

  @Test("Models of the family", arguments: ["llama", "gpt2", "mixtral"])
  func family(_ name: String) throws {
    try expectSame(try FamilyFixture(name).model.graph())
  }

  /// The last use of each kind is not the one before backward begins with it.
  @Test("Two kinds of layers by turns")
  func byTurns() throws {
    let (V, T) = (MoE.Axis("V", 7), MoE.Axis("T", 6))
    let (B, C, E) = (MoE.Axis("B", 2), MoE.Axis("C", 8), MoE.Axis("E", 3))
    let graph = try LanguageModel.trace("turns", vocabulary: V, context: T, batch: B) { text in
      layers("block", 6, text.tokens.embedding("token", C)) { x, number in
        if number % 2 == 0 { return x + x.linear("a", C).gelu().dropout(0.2) }
        let routing = x.linear("gate", E).top(2).softmax()
        return x + x.routed(by: routing).linear("up", C).relu().combined()
      }.linear("head", V)
    }
    try expectSame(graph)
  }

  /// With the first new row attention makes earlier ones again, from their queries, and over what the other reads:
  /// logits of a text that grew were wrong.
  @Test("What attention makes is another one's values", arguments: [false, true])
  func valuesOfAttention(apart: Bool) throws {
    let (V, T, B, C) = (MoE.Axis("V", 7), MoE.Axis("T", 9), MoE.Axis("B", 2), MoE.Axis("C", 12))
    func heads(_ x: MoE.Tensor, _ name: String) -> MoE.Tensor { x.linear(name, C).heads(2) }
    func first(_ x: MoE.Tensor) -> MoE.Tensor {
      attention(heads(x, "q"), heads(x, "k"), heads(x, "v")).mergedHeads()
    }
    func second(_ x: MoE.Tensor) -> MoE.Tensor {
      x + attention(heads(x, "q2"), heads(x, "k2"), x.heads(2)).mergedHeads().linear("o", C)
    }
    let graph = try LanguageModel.trace("values", vocabulary: V, context: T, batch: B) { text in
      layers("block", 3, text.tokens.embedding("token", C)) { x in
        apart ? layers("inner", 1, first(x), second) : second(first(x))
      }.linear("head", V)
    }
    try expectSame(graph)
  }

  @Test("A model without repeated layers is as it was")
  func nothingIsRepeated() throws {
    let graph = try LayeredModel(.plain, depth: 1).graph()
    let (usual, again) = try (CompiledModel(graph), CompiledModel(graph, recomputes: true))
    #expect(!again.plan.hasSharedBuffers && again.plan.memory == usual.plan.memory)
  }
}
