import CompiledModels
import Driver
import GraphIR
import Interpreter
import ModelRuntime
import Passes
import Testing

/// Whole models against the interpreter, in all sizes that are awkward for kernels.
@Suite struct WholeModelTests {
  static let models = [
    MakeMoE("noisy") { $0.dropout = 0.2 },
    MakeMoE("capacity") {
      $0.dropout = 0.1
      $0.capacity = 0.7
    },
    MakeMoE("plain") {
      $0.isNoisy = false
      $0.chosen = 1
    },
    MakeMoE("one-token") { ($0.B, $0.T) = (1, 1) },
    MakeMoE("one-of-everything") {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (1, 1, 1, 1, 1, 1)
      ($0.experts, $0.chosen) = (1, 1)
    },
    MakeMoE("idle-experts") { ($0.B, $0.T, $0.experts, $0.chosen, $0.dropout) = (1, 3, 9, 2, 0.3) },
    MakeMoE("all-experts") { ($0.T, $0.experts, $0.chosen) = (5, 3, 3) },
    MakeMoE("no-room") { ($0.B, $0.T, $0.experts, $0.capacity) = (1, 3, 8, 1) },
    MakeMoE("tied") { ($0.isTied, $0.dropout) = (true, 0.1) },
    MakeMoE("quiet") { ($0.isNoisyInEvaluation, $0.dropout) = (false, 0.1) },
    MakeMoE("offset") { $0.hasOffset = true },
    MakeMoE("wide") {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (3, 13, 17, 40, 5, 1)
      ($0.experts, $0.chosen, $0.dropout) = (5, 3, 0.1)
    },
  ]

  @Test("Losses and gradients are the interpreter's", arguments: models)
  func agrees(model: MakeMoE) throws {
    let compiled = try CompiledModel(model.graph())
    for seed in [3, 4] as [UInt64] {
      let found = try Trial(compiled, seed: seed).disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "seed \(seed): \(found)")
    }
  }

  /// A large one has pages to give back.
  @Test(
    "What begins anew is new",
    arguments: [MakeMoE("small"), MakeMoE("large") { ($0.C, $0.heads, $0.experts) = (96, 4, 8) }])
  func beginsAnew(model: MakeMoE) throws {
    let compiled = try CompiledModel(model.graph())
    let trial = Trial(compiled, seed: 1)
    let model = try Model(compiled.library)
    let kinds: [Model.Kind] = [.value, .gradient, .firstMoment, .secondMoment, .stepCounts]
    func everything() throws -> [[Float]] {
      try model.manifest.parameters.indices.flatMap { index in
        try kinds.filter { model.keeps($0, of: index) }.map { try model.read($0, index) }
      }
    }
    model.initialize(seed: 1)
    let new = try everything()
    let hyper = Hyperparameters(model.manifest.defaults, seed: 3)
    _ = try model.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
    _ = try model.gradients(tokens: trial.tokens, targets: trial.targets, seed: 6)
    #expect(try everything() != new)
    model.initialize(seed: 1)
    #expect(try everything() == new)
  }

  @Test("They are so of layers in scopes and in one another", arguments: LayeredModel.Form.allCases)
  func agreesInLayers(form: LayeredModel.Form) throws {
    let compiled = try CompiledModel(LayeredModel(form, depth: 3).graph())
    let found = try Trial(compiled, seed: 3).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }

  @Test(
    "Noise that is off in evaluation leaves nothing to the seed there",
    arguments: [
      true, false,
    ])
  func noise(isNoisyInEvaluation: Bool) throws {
    let made = MakeMoE("quiet") { $0.isNoisyInEvaluation = isNoisyInEvaluation }
    let model = try Model(CompiledModel(made.graph()).library)
    model.initialize(seed: 1)
    let tokens = (0..<Int32(made.B * made.T)).map { $0 % Int32(made.V) }
    let evaluated = try [1, 2].map { try model.loss(tokens: tokens, targets: tokens, seed: $0) }
    #expect((evaluated[0] == evaluated[1]) == !isNoisyInEvaluation)
    let trained = try [1, 2].map {
      try model.gradients(tokens: tokens, targets: tokens, seed: $0)
    }
    #expect(trained[0] != trained[1])
  }

  @Test("Examples/tiny.swift: fused attention, gated experts, a tied head")
  func tiny() throws {
    let tiny = Moec.repository.appendingPathComponent("Examples/tiny.swift").path
    let trial = Trial(try CompiledModel(Compilation(model: tiny).trace().graph))
    let found = try trial.disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }

  @Test("Products of the same rows: gated units and experts, projections, last steps")
  func gated() throws {
    let models = [
      GatedModel(), GatedModel { ($0.C, $0.F, $0.T, $0.depth) = (48, 33, 19, 1) },
      GatedModel { ($0.B, $0.T, $0.experts, $0.chosen) = (1, 1, 3, 3) },
      GatedModel { $0.reachesPast = true },
    ]
    for model in models {
      let found = try Trial(try CompiledModel(model.graph())).disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "\(found)")
    }
  }

  static let optionalPasses = Pipeline.standard.filter { !$0.isRequired }.map(\.name)

  @Test("They are so without any one of the passes", arguments: Set(optionalPasses).sorted())
  func agreesWithout(pass: String) throws {
    let compiled = try CompiledModel(Self.models[0].graph(), omitting: [pass])
    let found = try Trial(compiled, seed: 5).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }

  @Test("They are so without all of them")
  func agreesWithoutPasses() throws {
    let omitted = Set(Self.optionalPasses)
    let compiled = try CompiledModel(Self.models[1].graph(), omitting: omitted)
    let found = try Trial(compiled, seed: 6).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }

  @Test("Logits of a sequence of any length are the interpreter's")
  func logits() throws {
    let trial = Trial(try CompiledModel(Self.models[1].graph()))
    let model = try trial.model()
    for length in 1...trial.library.manifest.context {
      let tokens = Array(trial.tokens.prefix(length))
      var interpreter = trial.interpreter(.evaluation)
      (interpreter.sequences, interpreter.length, interpreter.tokens) = (1, length, tokens)
      let expected = try #require(try interpreter.run([.logits]).logits)
      let actual = try model.logits(tokens: tokens, seed: trial.seed)
      let found = Disagreement("logits of \(length)", actual, expected)
      #expect(found.error < 1e-5, "\(found)")
    }
  }

  @Test("Five AdamW steps are the reference's", arguments: [models[0], models[5], models[8]])
  func steps(model: MakeMoE) throws {
    var trial = Trial(try CompiledModel(model.graph()))
    let library = try trial.model()
    var hyper = Hyperparameters(library.manifest.defaults, seed: 0)
    (hyper.learningRate, hyper.weightDecay, hyper.beta1, hyper.beta2) = (0.003, 0.1, 0.8, 0.95)
    var optimizer = GraphIR.Optimizer.adamW()
    (optimizer.learningRate, optimizer.weightDecay) = (0.003, 0.1)
    (optimizer.beta1, optimizer.beta2) = (0.8, 0.95)
    var reference = AdamWReference(
      trial.reference, parameters: trial.parameters.mapValues { $0.map(Double.init) },
      optimizer: optimizer)
    for step in 1...5 {
      hyper.seed = UInt64(step)
      trial.tokens = Trial.ids(of: trial.reference, seed: hyper.seed, stream: 7)
      let loss = try library.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
      let interpreter = Interpreter(
        trial.reference, seed: hyper.seed, tokens: trial.tokens, targets: trial.targets,
        parameters: reference.parameters)
      let run = try interpreter.run()
      #expect(abs(Double(loss) - (run.loss ?? .nan)) < 1e-4, "step \(step)")
      reference.step(run)
    }
    try compare(library, reference)
  }

  /// Moments are sums of gradients, and as exact; a value moves by the sign of its gradient, so
  /// values whose gradient is rounding may differ, each by the rate of five steps at most.
  private func compare(_ library: Model, _ reference: AdamWReference) throws {
    for name in reference.parameters.keys.sorted() {
      let counts = try library.read(.stepCounts, named: name).map { Int($0) }
      #expect(counts == reference.steps[name], "\(name)")
      let first = Disagreement(
        "first moment of \(name)", try library.read(.firstMoment, named: name),
        reference.first[name] ?? [], scale: 1e-3)
      #expect(first.error < 1e-2, "\(first)")
      let values = Disagreement(
        name, try library.read(named: name), reference.parameters[name] ?? [], scale: 1)
      #expect(values.error < 5e-3, "\(values)")
    }
  }
}
