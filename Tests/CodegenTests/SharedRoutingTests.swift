import CompiledModels
import GraphIR
import Interpreter
import MoE
import ModelRuntime
import Testing

/// Experts whose rows are not sorted by a routing of their own layer, or whose gradient is nothing.
@Suite struct SharedRoutingTests {
  private static let V = MoE.Axis("V", 11), T = MoE.Axis("T", 6), B = MoE.Axis("B", 2)
  private static let C = MoE.Axis("C", 8), E = MoE.Axis("E", 3)

  private static func graph(
    experts: MoE.Axis = E, _ body: @escaping (Tensor, Routing) -> Tensor
  ) throws -> Graph {
    try LanguageModel.trace("shared", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      return body(x, x.linear("gate", experts).top(2).softmax()).linear("head", V)
    }
  }

  private static func shared(capacity: Double?, experts: MoE.Axis = E) throws -> Graph {
    try graph(experts: experts) { x, routing in
      layers("block", 3, x) { x in
        let n = x.layerNorm("norm")
        let rows =
          capacity.map { n.routed(by: routing, capacity: $0) } ?? n.routed(by: routing)
        return x + rows.linear("up", 2 * C).relu().linear("down", C).combined()
      }
    }
  }

  private static func expectAgreement(_ graph: Graph) throws -> CompiledModel {
    let compiled = try CompiledModel(graph)
    for seed in [3, 4] as [UInt64] {
      let found = try Trial(compiled, seed: seed).disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "seed \(seed): \(found)")
    }
    return compiled
  }

  @Test("One routing for all layers", arguments: [nil, 0.7])
  func sharedRouting(capacity: Double?) throws {
    let compiled = try Self.expectAgreement(Self.shared(capacity: capacity))
    let trial = Trial(compiled)
    let model = try trial.model()
    for length in 1...6 {
      var interpreter = trial.interpreter(.evaluation)
      interpreter.tokens = Array(trial.tokens.prefix(length))
      (interpreter.sequences, interpreter.length) = (1, length)
      let expected = try #require(try interpreter.run([.logits]).logits)
      let actual = try model.logits(tokens: interpreter.tokens, seed: trial.seed)
      #expect(Disagreement("logits", actual, expected).error < 1e-5, "length \(length)")
    }
  }

  @Test("It is one router, whose weights are those that all layers combine by")
  func oneRouter() throws {
    let compiled = try CompiledModel(Self.shared(capacity: nil))
    let manifest = compiled.library.manifest
    #expect(manifest.routers.map(\.experts) == [3])
    let trial = Trial(compiled)
    let model = try trial.model()
    _ = try model.loss(tokens: trial.tokens, targets: trial.targets, seed: 1)
    let loads = try #require(try model.takeExpertLoads(.evaluation).first)
    #expect(loads.map(\.chosen).reduce(0, +) == 24)
    #expect(abs(loads.map(\.weight).reduce(0, +) - 12) < 1e-4)
  }

  @Test("An expert without tokens is left alone in every layer")
  func stepCounts() throws {
    let trial = Trial(try CompiledModel(Self.shared(capacity: nil, experts: MoE.Axis("E", 40))))
    let model = try trial.model()
    var reference = AdamWReference(
      trial.reference, parameters: trial.parameters.mapValues { $0.map(Double.init) })
    let hyper = Hyperparameters(model.manifest.defaults, seed: trial.seed)
    _ = try model.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
    reference.step(try trial.interpreter(.training).run())
    for layer in 0..<3 {
      let name = "block.\(layer).up.weight"
      let counts = try model.read(.stepCounts, named: name).map { Int($0) }
      #expect(counts == reference.steps[name])
      #expect(counts.contains(0) && counts.contains(1))
    }
  }

  @Test("Experts whose gradient cancels")
  func cancelled() throws {
    _ = try Self.expectAgreement(
      Self.graph { x, routing in
        let m = x.routed(by: routing).linear("up", Self.C).combined()
        return x + (m - m)
      })
  }

  @Test("Rows of one routing in the layer and in the one after it")
  func acrossScopes() throws {
    _ = try Self.expectAgreement(
      Self.graph { x, routing in
        let y = x + x.routed(by: routing).linear("first", Self.C).gelu().combined()
        return layers("block", 2, y) { x in
          x + x.layerNorm("norm").routed(by: routing).linear("up", Self.C).combined()
        }
      })
  }
}
