import CompiledModels
import GraphIR
import ModelRuntime
import Testing

/// The compiled model against PyTorch's: one step in detail, ten steps by their losses.
@Suite struct ParityTests {
  @Test("Losses, logits, gradients and ten steps are PyTorch's", arguments: Fixture.names)
  func agrees(name: String) throws {
    let fixture = try Fixture(name)
    let compiled = try CompiledModel(fixture.model.graph())
    let model = try Model(compiled.library)
    model.initialize(seed: 0)
    let initial = try fixture.initial()
    #expect(initial.keys.sorted() == compiled.library.manifest.parameters.map(\.name).sorted())
    for (parameter, values) in initial { try model.write(values, named: parameter) }
    try compareFirstStep(fixture, model)
    try compareLogits(fixture, model)
    try compareSteps(fixture, model)
  }

  private func compareFirstStep(_ fixture: Fixture, _ model: Model) throws {
    let loss = try model.gradients(
      tokens: try fixture.integers("tokens", step: 0),
      targets: try fixture.integers("targets", step: 0), seed: 1)
    let expected = try #require(try fixture.numbers("loss"))
    #expect(abs(loss - expected[0]) < 1e-5)
    let gradients = try model.manifest.parameters.compactMap { parameter in
      try fixture.numbers("gradient/\(parameter.name)").map {
        (parameter.name, $0.map(Double.init))
      }
    }
    #expect(!gradients.isEmpty)
    let largest = gradients.map(\.1.largest).max() ?? 0
    for (name, gradient) in gradients {
      let found = Disagreement(
        "gradient of \(name)", try model.read(.gradient, named: name), gradient,
        scale: 1e-3 * largest)
      #expect(found.error < 1e-4, "\(found)")
    }
  }

  /// `moec_logits` takes one sequence. Capacity counts the tokens of all sequences, and noise the
  /// tokens before, so the fixture's whole batch says something of its first sequence alone, and
  /// of others only where there is neither.
  private func compareLogits(_ fixture: Fixture, _ model: Model) throws {
    let tokens = try fixture.integers("tokens", step: 0)
    let logits = try #require(try fixture.numbers("logits"))
    let (length, width) = (model.manifest.context, model.manifest.vocabulary)
    if fixture.model.capacity != nil { return }
    for sequence in 0..<(fixture.model.isNoisy ? 1 : model.manifest.batch) {
      let actual = try model.logits(
        tokens: Array(tokens[sequence * length..<(sequence + 1) * length]), seed: 1)
      let rows = sequence * length * width..<(sequence + 1) * length * width
      let found = Disagreement("logits \(sequence)", actual, logits[rows].map(Double.init))
      #expect(found.error < 1e-4, "\(found)")
    }
  }

  private func compareSteps(_ fixture: Fixture, _ model: Model) throws {
    let losses = try #require(try fixture.numbers("losses"))
    var hyper = Hyperparameters(model.manifest.defaults, seed: 0)
    #expect(hyper.learningRate == fixture.learningRate)
    for step in 0..<10 {
      hyper.seed = UInt64(step + 1)
      let loss = try model.trainStep(
        tokens: try fixture.integers("tokens", step: step),
        targets: try fixture.integers("targets", step: step), with: hyper)
      #expect(abs(loss - losses[step]) < 1e-3, "step \(step)")
    }
    try compareStepCounts(fixture, model)
    for parameter in model.manifest.parameters {
      guard let final = try fixture.numbers("final/\(parameter.name)") else { continue }
      let found = Disagreement(
        parameter.name, try model.read(named: parameter.name), final.map(Double.init), scale: 1)
      #expect(found.error < 1e-2, "\(found)")
    }
  }

  /// An expert's count is the number of steps in which it had tokens.
  private func compareStepCounts(_ fixture: Fixture, _ model: Model) throws {
    let (layers, experts) = (fixture.model.depth, fixture.model.experts)
    var counts = [Float](repeating: 0, count: layers * experts)
    for step in 0..<10 {
      for (index, rows) in try fixture.integers("expert_rows", step: step).enumerated() {
        counts[index] += rows > 0 ? 1 : 0
      }
    }
    for layer in 0..<layers {
      let expected = Array(counts[layer * experts..<(layer + 1) * experts])
      for part in ["up.weight", "up.bias", "down.weight", "down.bias"] {
        let name = "block.\(layer).mixture.\(part)"
        #expect(try model.read(.stepCounts, named: name) == expected, "\(name)")
      }
      #expect(try model.read(.stepCounts, named: "block.\(layer).mixture.gate.weight") == [10])
    }
  }
}
