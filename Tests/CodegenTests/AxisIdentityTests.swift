import CompiledModels
import GraphIR
import Interpreter
import MoE
import Planning
import Testing

/// An axis is an identity: what is there once for each token of a pass is not what has as many.
@Suite struct AxisIdentityTests {
  /// Every model, some at sizes at which it differs from others; a batch or a context of one, too.
  static let models: [AxisModel] =
    AxisModel.all
    + AxisModel.all.filter {
      ["batch-parameter", "position-bias", "learned-keys"].contains($0.name)
    }
    .flatMap { [$0.sized(1, 4), $0.sized(4, 1), $0.sized(6, 6)] }
    + [AxisModel.widths[0].sized(4, 12), AxisModel.widths[3].sized(8, 16)]

  @Test("Losses, gradients and the logits of any text are the interpreter's", arguments: models)
  func interpreter(model: AxisModel) throws {
    let compiled = try CompiledModel(model.graph(), optimisation: .none)
    let trial = Trial(compiled)
    let found = try trial.disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
    try expectLogits(trial)
  }

  @Test("They are so without the passes that can be left out", arguments: AxisModel.parameters)
  func withoutPasses(model: AxisModel) throws {
    let omitted: Set = ["FusePointwise", "FuseAttention", "Simplify", "ShareCommon"]
    let compiled = try CompiledModel(model.graph(), omitting: omitted, optimisation: .none)
    let trial = Trial(compiled, seed: 3)
    let found = try trial.disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
    try expectLogits(trial)
  }

  /// A text that grows token by token goes on from what is kept; one that shrinks, or is another model's
  /// first, does not.
  private func expectLogits(_ trial: Trial) throws {
    let context = trial.library.manifest.context
    let growing = try trial.model()
    for length in Array(1...context) + (1...context).reversed() {
      let tokens = Array(trial.tokens.prefix(length))
      var interpreter = trial.interpreter(.evaluation)
      (interpreter.sequences, interpreter.length, interpreter.tokens) = (1, length, tokens)
      let expected = try #require(try interpreter.run([.logits]).logits)
      let fresh = try trial.model()
      for (name, model) in [("kept", growing), ("fresh", fresh)] {
        let logits = try model.logits(tokens: tokens, seed: trial.seed)
        let found = Disagreement("\(name) logits of \(length)", logits, expected)
        #expect(found.error < 1e-4, "\(found)")
      }
    }
  }

  @Test("In a causal model a shorter text has the first logits of a longer one")
  func causal() throws {
    for name in ["width", "products", "position-bias", "position-parameter", "learned-weights"] {
      let model = try #require(AxisModel.all.first { $0.name == name })
      let trial = Trial(try CompiledModel(model.graph(), optimisation: .none))
      let library = try trial.model()
      let whole = try library.logits(tokens: Array(trial.tokens.prefix(model.T)), seed: 1)
      for length in 1..<model.T {
        let logits = try library.logits(tokens: Array(trial.tokens.prefix(length)), seed: 1)
        let expected = whole.prefix(logits.count).map(Double.init)
        #expect(Disagreement("\(name), \(length)", logits, expected).error < 1e-5)
      }
    }
  }

  @Test("Widths named as the context do not keep a model from keeping keys and values")
  func keeps() throws {
    for (name, isKept) in [("width", true), ("layers-of-width", true), ("position-bias", false)] {
      let model = try #require(AxisModel.all.first { $0.name == name })
      let plan = try Pipelines.plan(model.graph())
      #expect((plan.generation.cache != nil) == isKept, "\(name)")
    }
  }

  /// Models that have no meaning for a text shorter than the context.
  static let refused: [(model: AxisModel, message: String)] = [
    (
      AxisModel("experts-positions") { text, a in
        let x = AxisModel.start(text, a.C)
        let routing = x.matmul(x.transposed()).top(1).softmax()
        return (x + x.routed(by: routing).linear("up", a.C).combined()).linear("head", a.V)
      }, "top: chooses among T (6), of which a shorter text has fewer"
    ),
    (
      AxisModel("logits-of-positions", { $0.declared = { ($0.T, $0.T, $0.B) } }) { text, a in
        let x = AxisModel.start(text, a.C)
        return x.matmul(x.transposed())
      }, "logits: there is one for each of T (6), of which a shorter text has fewer"
    ),
    (
      AxisModel("meeting", { $0.declared = { ($0.V, $0.T, $0.T) } }) { text, a in
        let x = AxisModel.start(text, a.C)
        return (x + text.positions.embedding("bias", a.T)).linear("head", a.V)
      }, "elementwise: the sequences of a batch meet the positions of a text, both named T"
    ),
    (
      AxisModel("table-of-positions", { $0.declared = { ($0.T, $0.T, $0.B) } }) { text, a in
        text.tokens.embedding(text.positions.embedding("position", a.C)).linear("head", a.T)
      }, "embedding: the table has a row for each of T (6)"
    ),
  ]

  @Test("What cannot be done for a shorter text is one error at the model's line")
  func errors() throws {
    for (model, message) in Self.refused {
      let graph = try Pipelines.transformed(model.graph())
      let error = #expect(throws: Diagnostic.self, "\(model.name)") { try Plan(graph) }
      #expect(error?.message.hasPrefix(message) == true, "\(error?.description ?? "")")
      #expect(error?.location?.file == "AxisIdentityTests.swift")
      #expect(error?.hint != nil)
    }
  }
}
