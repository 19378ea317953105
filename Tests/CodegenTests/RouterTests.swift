import CompiledModels
import GraphIR
import Interpreter
import ModelRuntime
import Testing

/// What libraries tell of their routers, against a recount from the interpreter, and replays.
@Suite struct RouterTests {
  static let models = [
    MakeMoE("counted") { $0.dropout = 0.1 },
    MakeMoE("dropping") { ($0.capacity, $0.dropout) = (0.6, 0.1) },
    MakeMoE("idle") { ($0.B, $0.T, $0.experts) = (1, 3, 9) },
    MakeMoE("plain-choice") { ($0.isNoisy, $0.chosen, $0.depth) = (false, 1, 1) },
  ]

  /// What the oracle's routers did in a pass, in the graph's order.
  private func recount(_ run: Run) -> [RouterChoices] {
    let nodes = run.graph.nodes
    return nodes.indices.compactMap { index in
      guard case .route = nodes[index].op, !run.values[index].isEmpty else { return nil }
      let combine = nodes.first { $0.op.kind == .combine && $0.inputs[2].node == index }
      return RouterChoices(
        experts: run[nodes[index].inputs[0]].integers,
        isKept: run.values[index][2].integers.map { $0 >= 0 },
        weights: combine.map { run[$0.inputs[1]].floats.map(Float.init) } ?? [])
    }
  }

  private func loads(_ choices: RouterChoices, experts: Int) -> [ExpertLoad] {
    var loads = [ExpertLoad](repeating: ExpertLoad(), count: experts)
    for (index, expert) in choices.experts.enumerated() {
      loads[Int(expert)] += ExpertLoad(
        chosen: 1, kept: choices.isKept[index] ? 1 : 0, weight: Double(choices.weights[index]))
    }
    return loads
  }

  private func expect(_ found: [[ExpertLoad]], _ expected: [[ExpertLoad]], _ what: String) {
    #expect(found.map { $0.map(\.chosen) } == expected.map { $0.map(\.chosen) }, "\(what)")
    #expect(found.map { $0.map(\.kept) } == expected.map { $0.map(\.kept) }, "\(what)")
    for (a, b) in zip(found.joined(), expected.joined()) {
      #expect(abs(a.weight - b.weight) < 1e-4, "\(what)")
    }
  }

  @Test("Loads and routes are those of a recount", arguments: models)
  func agrees(model: MakeMoE) throws {
    let compiled = try CompiledModel(model.graph())
    try counts(model, compiled)
    try routes(model, compiled)
    #expect(
      compiled.library.manifest.routers
        == (0..<model.depth).map {
          .init(
            name: "block.\($0).mixture", experts: model.experts, choices: model.chosen,
            capacity: model.capacity)
        })
  }

  /// Training and evaluation are counted apart, over several passes.
  private func counts(_ model: MakeMoE, _ compiled: CompiledModel) throws {
    let experts = compiled.library.manifest.routers.map(\.experts)
    var trial = Trial(compiled)
    let library = try trial.model()
    var sums: [Model.PassMode: [[ExpertLoad]]] = [:]
    for seed in [3, 4] as [UInt64] {
      trial.seed = seed
      _ = try library.gradients(tokens: trial.tokens, targets: trial.targets, seed: seed)
      _ = try library.loss(tokens: trial.tokens, targets: trial.targets, seed: seed)
      let outputs: [Output] = [.loss]
      let runs: [(Model.PassMode, Run)] = [
        (.training, try trial.interpreter(.training).run(outputs)),
        (.evaluation, try trial.interpreter(.evaluation).run(outputs)),
      ]
      for (mode, run) in runs {
        let pass = zip(recount(run), experts).map { loads($0, experts: $1) }
        sums[mode] =
          sums[mode].map { old in
            zip(old, pass).map { zip($0, $1).map { load, other in load.adding(other) } }
          } ?? pass
      }
    }
    for mode in Model.PassMode.allCases {
      let expected = try #require(sums[mode])
      let all = expected.joined()
      let pairs = 2 * model.B * model.T * model.chosen * model.depth
      #expect(all.reduce(0) { $0 + $1.chosen } == pairs)
      #expect(all.contains { $0.kept < $0.chosen } == (model.capacity != nil))
      if model.experts > 8 { #expect(all.contains { $0.chosen == 0 }) }
      expect(try library.takeExpertLoads(mode), expected, "\(mode)")
      let again = try library.takeExpertLoads(mode).joined()
      #expect(again.allSatisfy { $0 == ExpertLoad() }, "taking them sets them to 0")
    }
  }

  /// Of the last pass in either mode, and of one sequence.
  private func routes(_ model: MakeMoE, _ compiled: CompiledModel) throws {
    let trial = Trial(compiled)
    let library = try trial.model()
    let count = model.B * model.T
    for mode in [Interpreter.Mode.training, .evaluation] {
      if mode == .training {
        _ = try library.gradients(
          tokens: trial.tokens, targets: trial.targets, seed: trial.seed)
      } else {
        _ = try library.loss(tokens: trial.tokens, targets: trial.targets, seed: trial.seed)
      }
      try compare(library.routes(tokens: count), recount(trial.interpreter(mode).run([.loss])))
    }
    let tokens = Array(trial.tokens.prefix(2))
    _ = try library.logits(tokens: tokens, seed: trial.seed)
    let single = Interpreter(
      compiled.reference, mode: .evaluation, seed: trial.seed, tokens: tokens,
      parameters: trial.parameters.mapValues { $0.map(Double.init) }, sequences: 1, length: 2)
    try compare(library.routes(tokens: 2), recount(single.run([.logits])))
    #expect(throws: ModelError.self) { try library.routes(tokens: 1) }
    #expect(throws: ModelError.self) { try library.routes(tokens: 1000) }
  }

  private func compare(_ found: [RouterChoices], _ expected: [RouterChoices]) throws {
    try #require(found.count == expected.count)
    for (a, b) in zip(found, expected) {
      #expect(a.experts == b.experts)
      #expect(a.isKept == b.isKept)
      #expect(zip(a.weights, b.weights).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }
}

extension ExpertLoad {
  fileprivate func adding(_ other: ExpertLoad) -> ExpertLoad {
    var sum = self
    sum += other
    return sum
  }
}

/// Passes whose experts are given.
@Suite struct ReplayTests {
  private static let model = MakeMoE("replayed") {
    ($0.dropout, $0.experts, $0.depth) = (0.1, 5, 2)
  }
  private static let count = model.B * model.T

  /// A step of `model` on the trial's batch.
  private func step(_ model: Model, _ trial: Trial, seed: UInt64) throws {
    _ = try model.trainStep(
      tokens: trial.tokens, targets: trial.targets,
      with: Hyperparameters(model.manifest.defaults, seed: seed))
  }

  private func bits(_ model: Model) throws -> [[UInt32]] {
    try model.manifest.parameters.indices.map { try model.read(.value, $0).map(\.bitPattern) }
  }

  /// For each token the first experts, whatever the router says.
  private func otherChoices() -> [Int32] {
    (0..<Self.count * Self.model.depth).flatMap { token in
      token % 3 == 0 ? [0, 3] : [1, 2] as [Int32]
    }
  }

  @Test("Recorded steps replayed give the same bits; other choices give others")
  func sameBits() throws {
    let trial = Trial(try CompiledModel(Self.model.graph()))
    let (a, b, c) = (try trial.model(), try trial.model(), try trial.model())
    for seed in 0..<5 as Range<UInt64> {
      try step(a, trial, seed: seed)
      try b.replay(try a.chosenExperts(tokens: Self.count), tokens: Self.count)
      try step(b, trial, seed: seed)
      try c.replay(otherChoices(), tokens: Self.count)
      try step(c, trial, seed: seed)
      #expect(try c.chosenExperts(tokens: Self.count) == otherChoices())
    }
    #expect(try bits(a) == bits(b))
    #expect(try bits(a) != bits(c))
    try step(b, trial, seed: 9)
    try step(a, trial, seed: 9)
    #expect(try bits(a) == bits(b), "a replay is for one pass")
  }

  @Test("Gradients through a replay are the interpreter's too", arguments: [false, true])
  func gradients(dropsTokens: Bool) throws {
    var model = Self.model
    model.capacity = dropsTokens ? 0.6 : nil
    let compiled = try CompiledModel(model.graph())
    let trial = Trial(compiled)
    let library = try trial.model()
    try library.replay(otherChoices(), tokens: Self.count)
    let loss = try library.gradients(
      tokens: trial.tokens, targets: trial.targets, seed: trial.seed)
    var oracle = trial.interpreter(.training)
    let tops = compiled.reference.nodes.indices.filter {
      compiled.reference.nodes[$0].op.kind == .top
    }
    let each = Self.count * model.chosen
    for (router, node) in tops.enumerated() {
      oracle.replay[node] = Array(otherChoices()[router * each..<(router + 1) * each])
    }
    let run = try oracle.run()
    #expect(abs(Double(loss) - (run.loss ?? 0)) < 1e-4)
    let largest = trial.parameters.keys.compactMap { run.gradient(of: $0)?.largest }.max() ?? 0
    for name in trial.parameters.keys.sorted() {
      let expected = try #require(run.gradient(of: name))
      let found = Disagreement(
        name, try library.read(.gradient, named: name), expected, scale: 1e-2 * largest)
      #expect(found.error < 1e-4, "\(found)")
    }
  }

  @Test("Evaluation takes them too; what is no choice is refused, and a pass of another size")
  func evaluates() throws {
    let trial = Trial(try CompiledModel(Self.model.graph()))
    try evaluates(trial)
    try refuses(trial)
  }

  private func evaluates(_ trial: Trial) throws {
    let library = try trial.model()
    let own = try library.logits(tokens: Array(trial.tokens.prefix(3)), seed: 1)
    let choices = try library.chosenExperts(tokens: 3)
    try library.replay(choices, tokens: 3)
    #expect(try library.logits(tokens: Array(trial.tokens.prefix(3)), seed: 1) == own)
    try library.replay(choices.map { $0 == 4 ? 4 : 3 - $0 }.sortedByTwo, tokens: 3)
    #expect(try library.logits(tokens: Array(trial.tokens.prefix(3)), seed: 1) != own)
  }

  private func refuses(_ trial: Trial) throws {
    let library = try trial.model()
    let good = otherChoices()
    for (place, expert) in [(0, -1), (0, 5), (0, 3), (1, 0)] as [(Int, Int32)] {
      var bad = good
      bad[place] = expert
      let error = #expect(throws: ModelError.self) {
        try library.replay(bad, tokens: Self.count)
      }
      #expect(error?.message.contains("block.0.mixture: choices to replay") == true)
    }
    #expect(throws: ModelError.self) { try library.replay([0, 1], tokens: Self.count) }
    try library.replay(good, tokens: Self.count)
    let error = #expect(throws: ModelError.self) { try library.logits(tokens: [1], seed: 1) }
    #expect(error?.message.contains("14 tokens, the pass has 1") == true)
    _ = try library.logits(tokens: [1], seed: 1)
  }
}

extension [Int32] {
  /// Each pair in ascending order.
  fileprivate var sortedByTwo: [Int32] {
    stride(from: 0, to: count, by: 2).flatMap { self[$0..<$0 + 2].sorted() }
  }
}
