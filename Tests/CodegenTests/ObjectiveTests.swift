import CompiledModels
import GraphIR
import Interpreter
import Lowering
import MoE
import ModelRuntime
import Passes
import Planning
import Testing

/// The objective, its terms and states, in C.
@Suite struct ObjectiveTests {
  /// Two blocks with a mixture whose loads are balanced by a term of the objective and by a state.
  static func balanced(
    _ name: String = "balanced", weight: Double = 0.5, depth: Int = 2
  ) throws -> Graph {
    typealias Axis = MoE.Axis
    let (V, T, B) = (Axis("V", 11), Axis("T", 5), Axis("B", 4))
    let (C, E) = (Axis("C", 12), Axis("E", 4))
    return try LanguageModel.trace(name, vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
      let own = parameter("own", C)
      let seen = state("seen", initial: 2)
      let y = layers("block", depth, x) { x in
        let logits = x.layerNorm("norm").linear("gate", E)
        let loads = state("loads", E, initial: 0.25)
        let mean = logits.softmax().mean(over: B, T)
        auxiliary("balance", weight: weight, (mean * mean).sum() * 4)
        auxiliary("size", weight: 0, (logits * logits).mean())
        loads.update(to: loads.value * 0.9 + mean * 0.1)
        let rows = x.routed(by: (logits - loads.value * 2).top(2).softmax())
        return x + rows.linear("up", 2 * C).relu().linear("down", C).combined()
      }
      seen.update(to: seen.value + (y * y).mean())
      auxiliary("own", weight: 1e-3, (own * own).sum())
      return (y + own).linear("head", V)
    }
  }

  /// Compiled once for all tests, loaded by each.
  private struct Compiled: Sendable {
    var reference: Graph
    var plan: Plan
    var path: String
    var library: ModelLibrary { get throws { try ModelLibrary(path: path) } }
  }

  private static let result = Result {
    let compiled = try CompiledModel(balanced(), accumulates: true)
    return Compiled(
      reference: compiled.reference, plan: compiled.plan, path: compiled.library.path)
  }

  private func ids(_ number: Int) -> [Int32] {
    (0..<20).map { Int32(($0 * 31 + number * 17 + $0 / 3) % 11) }
  }

  private func fresh(threads: Int? = nil) throws -> Model {
    let model = try Model(Self.result.get().library)
    model.initialize(seed: 3)
    if let threads { try model.setThreads(threads) }
    return model
  }

  private func hyper(_ model: Model) -> Hyperparameters {
    Hyperparameters(model.manifest.defaults, seed: 7)
  }

  private func states(_ model: Model) throws -> [[Float]] {
    try model.manifest.states.map { try model.read(named: $0.name) }
  }

  @Test("The manifest names terms with their weights, and states among the parameters")
  func manifest() throws {
    let manifest = try Self.result.get().library.manifest
    #expect(
      manifest.terms.map(\.name) == [
        "block.0.balance", "block.0.size", "block.1.balance", "block.1.size", "own",
      ])
    #expect(manifest.terms.map(\.weight) == [0.5, 0, 0.5, 0, 1e-3])
    #expect(Set(manifest.states.map(\.name)) == ["seen", "block.0.loads", "block.1.loads"])
    let learned = manifest.parameters.filter { !$0.isState }
    #expect(manifest.parameterCount == learned.reduce(0) { $0 + $1.count })
    #expect(learned.count == manifest.parameters.count - 3)
    #expect(manifest.states.allSatisfy { !$0.decays })
  }

  @Test("Both blocks are one function, and the plan says what edges are and is read back")
  func plan() throws {
    let plan = try Self.result.get().plan
    #expect(plan.layers.filter { $0.name == "block" }.count == 1)
    #expect(plan.notes == [])
    #expect(plan.text.contains(" is term \"block.1.balance\" weight 0.5"))
    #expect(
      plan.text.contains(" is state \"block.0.loads\"") && plan.text.contains(" is objective"))
    #expect(try Plan(parsing: plan.text, of: plan.graph) == plan)
    #expect(plan.summary.contains("objective: loss + 0.5 block.0.balance + 0.0 block.0.size"))
    #expect(plan.summary.contains("states: "))
  }

  @Test("Loss, terms, gradients and states of three steps are those of the interpreter")
  func threeSteps() throws {
    let compiled = try Self.result.get()
    let model = try fresh()
    let drawn = Interpreter.initialParameters(of: compiled.reference, seed: 3)
    for (name, values) in drawn {
      #expect(Disagreement(name, try model.read(named: name), values).error < 1e-6)
    }
    var optimizer = AdamWReference(compiled.reference, parameters: drawn)
    for step in 0..<3 {
      let run = try Interpreter(
        compiled.reference, seed: 7, tokens: ids(step), targets: ids(step + 5),
        parameters: optimizer.parameters
      ).run()
      let loss = try model.gradients(tokens: ids(step), targets: ids(step + 5), seed: 7)
      #expect(abs(Double(loss) - (run.loss ?? 0)) < 1e-4)
      let terms = try model.terms()
      for (index, term) in model.manifest.terms.enumerated() {
        #expect(
          Disagreement(term.name, [terms[index]], [try #require(run.terms[term.name])]).error < 1e-4
        )
      }
      for name in model.manifest.parameters.filter({ !$0.isState }).map(\.name) {
        let expected = try #require(run.gradient(of: name))
        let found = Disagreement(
          name, try model.read(.gradient, named: name), expected, scale: 1e-2)
        #expect(found.error < 1e-3, "\(found)")
      }
      #expect(
        try model.trainStep(tokens: ids(step), targets: ids(step + 5), with: hyper(model)) == loss)
      #expect(try model.terms() == terms)
      optimizer.step(run)
      for state in model.manifest.states.map(\.name) {
        let found = Disagreement(
          state, try model.read(named: state), try #require(optimizer.parameters[state]))
        #expect(found.error < 1e-4, "\(found)")
        #expect(optimizer.parameters[state] != drawn[state])
      }
    }
  }

  @Test("The bits are the same for any number of threads")
  func threads() throws {
    func bits(_ threads: Int) throws -> [[UInt32]] {
      let model = try fresh(threads: threads)
      var found: [[UInt32]] = []
      for step in 0..<3 {
        found.append(
          [try model.trainStep(tokens: ids(step), targets: ids(step + 5), with: hyper(model))]
            .map(\.bitPattern))
        found.append(try model.terms().map(\.bitPattern))
      }
      for kind in [Model.Kind.value, .firstMoment, .secondMoment, .stepCounts] {
        for index in model.manifest.parameters.indices where model.keeps(kind, of: index) {
          found.append(try model.read(kind, index).map(\.bitPattern))
        }
      }
      return found
    }
    let alone = try bits(1)
    for threads in 2...4 { #expect(try bits(threads) == alone) }
  }

  @Test("Evaluation, gradients and logits leave states alone")
  func untouched() throws {
    let model = try fresh()
    let before = try states(model)
    _ = try model.gradients(tokens: ids(1), targets: ids(2), seed: 1)
    _ = try model.loss(tokens: ids(1), targets: ids(2), seed: 1)
    let losses = try model.losses(
      tokens: ids(1) + ids(2), targets: ids(3) + ids(4), seeds: [1, 2])
    #expect(losses.allSatisfy { $0.isFinite })
    _ = try model.logits(tokens: Array(ids(1).prefix(3)), seed: 1)
    _ = try model.accumulate(tokens: ids(1), targets: ids(2), seed: 1)
    #expect(try states(model) == before)
    // What is read is the state, as shorter texts read it too.
    let logits = try model.logits(tokens: [1, 2], seed: 1)
    try model.write([5, -5, 0, 0], named: "block.0.loads")
    #expect(try model.logits(tokens: [1, 2], seed: 1) != logits)
  }

  @Test("A pass for logits alone leaves terms and rules out, and the terms of the last batch stay")
  func leftOut() throws {
    let compiled = try Self.result.get()
    let calls = compiled.plan.layers.flatMap(\.forward)
    let forLoss = calls.filter { $0.purpose == .loss }
    #expect(forLoss.count > 5 && forLoss.count < calls.count)
    #expect(forLoss.allSatisfy { ![.linear, .route, .crossEntropy].contains($0.op?.kind) })
    #expect(compiled.plan.layers.flatMap(\.backward).filter { $0.purpose == .loss }.isEmpty)
    let model = try fresh()
    _ = try model.loss(tokens: ids(1), targets: ids(2), seed: 1)
    let terms = try model.terms()
    _ = try model.logits(tokens: [1, 2, 3], seed: 1)
    #expect(try model.terms() == terms)
    _ = try model.loss(tokens: ids(4), targets: ids(2), seed: 1)
    #expect(try model.terms() != terms)
  }

  @Test("An update after one batch is a step; after several, states are the mean of the new values")
  func accumulated() throws {
    let (stepped, accumulated) = (try fresh(), try fresh())
    for number in 0..<3 {
      _ = try stepped.trainStep(tokens: ids(number), targets: ids(number + 1), with: hyper(stepped))
      _ = try accumulated.accumulate(tokens: ids(number), targets: ids(number + 1), seed: 7)
      // Evaluating in between changes nothing.
      _ = try accumulated.loss(tokens: ids(9), targets: ids(9), seed: 2)
      _ = try accumulated.update(with: hyper(accumulated), maximumNorm: nil)
      #expect(try states(stepped) == states(accumulated))
    }
    var new: [[[Float]]] = []
    for number in 0..<2 {
      let model = try fresh()
      _ = try model.trainStep(tokens: ids(number), targets: ids(number + 1), with: hyper(model))
      new.append(try states(model))
    }
    let model = try fresh()
    for number in 0..<2 {
      _ = try model.accumulate(tokens: ids(number), targets: ids(number + 1), seed: 7)
    }
    // Clipping is about gradients alone, and their norm too.
    let norm = try model.update(with: hyper(model), maximumNorm: 1e-3)
    let mean = zip(new[0], new[1]).map { zip($0, $1).map { ($0 + $1) / 2 } }
    #expect(try states(model) == mean)
    let gradients = try model.manifest.parameters.indices.filter {
      !model.manifest.parameters[$0].isState
    }
    .flatMap { try model.read(.gradient, $0) }
    let after = gradients.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(norm > 1e-3 && abs(after / 1e-3 - 1) < 1e-3)
  }

  @Test("A step whose loss or objective is not finite changes nothing")
  func refused() throws {
    for (name, number) in [("own", Float(1e30)), ("head.bias", .nan)] {
      let model = try fresh()
      let index = try model.index(of: name)
      try model.write(
        [Float](repeating: number, count: model.count(.value, of: index)), .value, index)
      let before = try model.allBits()
      let loss = try model.trainStep(tokens: ids(1), targets: ids(2), with: hyper(model))
      #expect(!loss.isFinite)
      #expect(try model.allBits() == before)
      #expect(try !model.accumulate(tokens: ids(1), targets: ids(2), seed: 1).isFinite)
    }
  }

  @Test("A state has a value and nothing else")
  func kinds() throws {
    let model = try fresh()
    let index = try model.index(of: "block.1.loads")
    try model.write([1, 2, 3, 4], .value, index)
    #expect(try model.read(.value, index) == [1, 2, 3, 4])
    for kind in Model.Kind.allCases where kind != .value {
      let read = #expect(throws: ModelError.self) { try model.read(kind, index) }
      #expect(read?.message.contains("is a state: it has a value") == true)
      let count = model.count(kind, of: index)
      #expect(throws: ModelError.self) {
        try model.write([Float](repeating: 0, count: count), kind, index)
      }
    }
  }

  @Test("A model without terms has no such function")
  func none() throws {
    let graph = try MakeMoE("plain") {
      ($0.B, $0.T, $0.V, $0.C, $0.experts, $0.dropout) = (2, 5, 11, 12, 3, 0.1)
    }.graph()
    let compiled = try CompiledModel(graph)
    let model = try Model(compiled.library)
    #expect(!model.has(.terms) && model.manifest.terms == [] && model.manifest.states == [])
    #expect(try model.terms() == [])
    let other = try fresh()
    #expect(other.has(.terms))
  }

  @Test(
    "Each pass and lowering step left out, the numbers are the same",
    arguments: ["passes", "steps"])
  func omitted(_ what: String) throws {
    let names =
      what == "passes"
      ? Pipeline.standard.filter { !$0.isRequired }.map(\.name) : LoweringPipeline.steps.map(\.name)
    let compiled = try CompiledModel(
      Self.balanced("bare_\(what)"), omitting: Set(what == "passes" ? names : []),
      steps: Set(what == "steps" ? names : []))
    let trial = Trial(compiled.reference, compiled.library, seed: 3)
    #expect(try trial.disagreements(tolerance: 1e-3) == [])
    let report = try #require(
      try Comparison(compiled.reference, compiled.library, seed: 5).report())
    #expect(report.wrong == [])
    #expect(report.compared > 20)
  }
}
