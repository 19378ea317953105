import Comparison
import CompiledModels
import GraphIR
import Interpreter
import ModelRuntime
import Passes
import Testing

/// Models of other families against Hugging Face's transformers: the interpreter, which computes in double
/// precision, and the compiled C.
@Suite struct FamilyParityTests {
  @Test("Loss, logits, gradients and three steps are transformers'", arguments: FamilyFixture.names)
  func agrees(name: String) throws {
    let family = try FamilyFixture(name)
    let compiled = try CompiledModel(family.model.graph())
    let names = compiled.library.manifest.parameters.map(\.name).sorted()
    #expect(try family.fixture.initial().keys.sorted() == names)
    let interpreted = try interpreted(family, compiled.reference)
    expect(
      interpreted, within: .init(loss: 1e-6, logits: 1e-6, gradients: 1e-6, final: 1e-6))
    let library = try library(family, compiled.library)
    expect(library, within: .init(loss: 1e-5, logits: 1e-4, gradients: 1e-4, final: 1e-4))
    print("parity of \(name): C: \(library.differences); interpreter: \(interpreted.differences)")
  }

  /// Experts have matrices of their own there; what is frozen is in the fixture's final values too.
  @Test(
    "With adapters, logits, gradients and three steps are those of PyTorch",
    arguments: ["llama-adapters", "mixtral-adapters"])
  func agreesWithAdapters(name: String) throws {
    let family = try FamilyFixture(name)
    let request = AdapterRequest(rank: 3, alpha: 4.5)
    let graph = try Pass.addAdapters(request).run(family.model.graph())
    let compiled = try CompiledModel(graph)
    let names = compiled.library.manifest.parameters.map(\.name).sorted()
    #expect(try family.fixture.initial().keys.sorted() == names)
    #expect(graph.adapters.count == family.fixture.names(in: "gradient/").count)
    expect(
      try interpreted(family, compiled.reference),
      within: .init(loss: 1e-6, logits: 1e-6, gradients: 1e-6, final: 1e-6))
    expect(
      try library(family, compiled.library),
      within: .init(loss: 1e-5, logits: 1e-4, gradients: 1e-4, final: 1e-4))
  }

  /// The steps of the interpreter and of AdamW as PyTorch does it.
  private func interpreted(_ family: FamilyFixture, _ graph: Graph) throws -> Parity {
    let fixture = family.fixture
    var parity = Parity(fixture)
    let initial = try fixture.initial().mapValues { $0.map(Double.init) }
    var optimizer = AdamWReference(graph, parameters: initial)
    for step in 0..<fixture.steps {
      let run = try Interpreter(
        graph, tokens: try fixture.integers("tokens", step: step),
        targets: try fixture.integers("targets", step: step), parameters: optimizer.parameters
      ).run()
      try parity.addLoss(Float(run.loss ?? .nan), run.terms.values.map(Float.init), step: step)
      if step == 0 {
        try parity.addLogits((run.logits ?? []).map(Float.init))
        try parity.addGradients { run.gradient(of: $0)?.map(Float.init) }
      }
      optimizer.step(run)
    }
    try parity.addFinal { optimizer.parameters[$0]?.map(Float.init) }
    return parity
  }

  /// The steps of the library.
  private func library(_ family: FamilyFixture, _ library: ModelLibrary) throws -> Parity {
    let fixture = family.fixture
    var parity = Parity(fixture)
    let model = try Model(library)
    model.initialize(seed: 0)
    for (name, values) in try fixture.initial() { try model.write(values, named: name) }
    try addLogits(of: model, fixture, &parity)
    _ = try model.gradients(
      tokens: try fixture.integers("tokens", step: 0),
      targets: try fixture.integers("targets", step: 0), seed: 1)
    try parity.addGradients { try model.read(.gradient, named: $0) }
    let hyper = Hyperparameters(model.manifest.defaults, seed: 1)
    for step in 0..<fixture.steps {
      let loss = try model.trainStep(
        tokens: try fixture.integers("tokens", step: step),
        targets: try fixture.integers("targets", step: step), with: hyper)
      try parity.addLoss(loss, try model.terms(), step: step)
    }
    try parity.addFinal { try model.read(named: $0) }
    return parity
  }

  /// Those of whole sequences, and of sequences that grow token by token, as in generation.
  private func addLogits(of model: Model, _ fixture: Fixture, _ parity: inout Parity) throws {
    let (length, width) = (model.manifest.context, model.manifest.vocabulary)
    let tokens = try fixture.integers("tokens", step: 0)
    let sequences = stride(from: 0, to: tokens.count, by: length).map {
      Array(tokens[$0..<$0 + length])
    }
    try parity.addLogits(sequences.flatMap { try model.logits(tokens: $0, seed: 1) })
    try parity.addLogits(
      sequences.flatMap { sequence in
        try (1...length).flatMap {
          try model.logits(tokens: Array(sequence.prefix($0)), seed: 1).suffix(width)
        }
      })
  }

  private func expect(_ parity: Parity, within allowed: Differences) {
    let found = parity.differences
    #expect(found.loss < allowed.loss)
    #expect(found.logits < allowed.logits)
    #expect(found.gradients < allowed.gradients, "\(parity.worst)")
    #expect(found.final < allowed.final, "\(parity.worst)")
  }
}
