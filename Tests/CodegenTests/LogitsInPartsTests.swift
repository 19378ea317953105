import Comparison
import CompiledModels
import GraphIR
import Interpreter
import MoE
import ModelRuntime
import Passes
import Planning
import Testing
import Words

/// Libraries whose loss makes a large vocabulary's logits part by part.
@Suite struct LogitsInPartsTests {
  private static let models: [(name: String, model: MakeMoE)] = [
    ("a head with a bias", model { _ in }),
    ("a tied head", model { ($0.isTied, $0.isNoisy) = (true, false) }),
    ("a head without blocks", model { ($0.depth, $0.V) = (1, 33) }),
  ]

  private static func model(_ change: (inout MakeMoE) -> Void) -> MakeMoE {
    MakeMoE("parts") {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (2, 7, 53, 12, 2, 2)
      ($0.experts, $0.chosen) = (3, 2)
      change(&$0)
    }
  }

  private static func compiled(_ graph: Graph, accumulates: Bool = false) throws -> CompiledModel {
    try CompiledModel(graph, accumulates: accumulates, recomputes: true, logitsAtOnce: 16)
  }

  private func calls(_ plan: Plan) -> [OpKind] {
    plan.layers.flatMap { $0.forward + $0.backward }.compactMap { $0.op?.kind }
  }

  @Test("Loss, gradients, steps and logits are the model's", arguments: models.indices)
  func numbers(_ index: Int) throws {
    let graph = try Self.models[index].model.graph()
    let compiled = try Self.compiled(graph)
    #expect(calls(compiled.plan).count { $0 == .linearCrossEntropy } == 1)
    #expect(calls(compiled.plan).count { $0 == .linearCrossEntropyGradient } == 1)
    #expect(!calls(compiled.plan).contains(.crossEntropy))
    #expect(try Plan(parsing: compiled.plan.text, of: compiled.plan.graph) == compiled.plan)
    for ignored in [IgnoredTargets.none, .some, .allButOne, .all] {
      let comparison = Comparison(
        compiled.reference, compiled.library, seed: 4, ignoring: ignored)
      let report = try #require(try comparison.report(), "\(Self.models[index].name)")
      #expect(report.wrong.isEmpty, "\(Self.models[index].name), \(ignored): \(report.wrong)")
    }
  }

  /// What is asked for beside the loss does not depend on how that is made.
  @Test("Logits are the same bits, before a step and after it, and threads change nothing")
  func bits() throws {
    let graph = try Self.models[1].model.graph()
    let usual = try CompiledModel(graph)
    let parts = try Self.compiled(graph, accumulates: true)
    func bits(_ library: ModelLibrary, threads: Int, steps: Int) throws -> [[UInt32]] {
      let model = try Model(library)
      try model.setThreads(threads)
      model.initialize(seed: 5)
      let ids = (0..<14).map { Int32($0 * 11 % 53) }
      for step in 0..<steps {
        _ = try model.trainStep(
          tokens: ids, targets: ids.reversed(),
          with: Hyperparameters(library.manifest.defaults, seed: UInt64(step)))
      }
      var told = try [3, 7].map { try model.logits(tokens: Array(ids.prefix($0)), seed: 3) }
      if steps > 0 {
        told.append([try model.loss(tokens: ids, targets: ids.reversed(), seed: 2)])
        told.append([try model.gradients(tokens: ids, targets: ids.reversed(), seed: 2)])
      }
      return told.map { $0.map(\.bitPattern) } + (steps > 0 ? try model.allBits() : [])
    }
    #expect(
      try bits(parts.library, threads: 1, steps: 0) == bits(usual.library, threads: 1, steps: 0))
    let expected = try bits(parts.library, threads: 1, steps: 3)
    for threads in [2, 3] {
      #expect(try bits(parts.library, threads: threads, steps: 3) == expected)
    }
  }

  @Test("No buffer of training holds all logits but those that a caller may ask for")
  func memory() throws {
    let model = Self.model { ($0.V, $0.T) = (500, 12) }
    let (usual, parts) = (
      try CompiledModel(try model.graph()), try Self.compiled(try model.graph())
    )
    let all = 4 * 2 * 12 * 500
    func large(_ plan: Plan) -> Int {
      plan.layers.flatMap { $0.backwardScratch + $0.forwardScratch + $0.saved }
        .count { $0.bytes >= all }
    }
    #expect(large(usual.plan) > 0)
    #expect(large(parts.plan) == 0)
    #expect(parts.plan.memory.scratch < usual.plan.memory.scratch - all / 2)
    // A pass with targets makes no logits for a caller, and one without no loss.
    let head = try #require(parts.plan.layers.last)
    #expect(head.forward.filter { $0.purpose == .logits }.compactMap { $0.op?.kind } == [.linear])
    #expect(
      head.forward.filter { $0.purpose == .loss }.compactMap { $0.op?.kind }
        == [.linearCrossEntropy])
  }

  @Test("A small vocabulary, and logits that something else reads, stay as they are")
  func others() throws {
    let small = try CompiledModel(Self.models[0].model.graph(), recomputes: true)
    #expect(calls(small.plan).contains(.crossEntropy))
    let (V, T) = (MoE.Axis("V", 40), MoE.Axis("T", 6))
    let (B, C) = (MoE.Axis("B", 2), MoE.Axis("C", 8))
    let capped = try LanguageModel.trace("capped", vocabulary: V, context: T, batch: B) { text in
      text.tokens.embedding("token", C).linear("head", V).tanh() * 30
    }
    #expect(calls(try Self.compiled(capped).plan).contains(.crossEntropy))
  }

  @Test(
    "A head that learns nothing, and one whose bias alone learns",
    arguments: ["head", "head.weight"])
  func frozen(_ pattern: String) throws {
    let graph = try Pipeline([.freeze([ParameterPattern(pattern)])]).run(
      try Self.models[0].model.graph())
    let compiled = try Self.compiled(graph)
    #expect(calls(compiled.plan).contains(.linearCrossEntropyGradient))
    let report = try #require(
      try Comparison(compiled.reference, compiled.library, seed: 2).report())
    #expect(report.wrong.isEmpty, "\(report.wrong)")
  }
}
