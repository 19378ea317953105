import CompiledModels
import GraphIR
import Interpreter
import ModelRuntime
import Testing

/// The C of a model whose norms, rotary positions and router are written by hand.
@Suite struct HandwrittenFamilyTests {
  @Test("Losses and gradients are the interpreter's")
  func agrees() throws {
    let compiled = try CompiledModel(MixtralModel(isWritten: true).graph())
    let found = try Trial(compiled).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }

  @Test("Losses and gradients are those of the functions that are built in")
  func isBuiltIn() throws {
    let models = try [false, true].map {
      try CompiledModel(MixtralModel(isWritten: $0).graph())
    }
    let trial = Trial(models[0])
    let pair = try models.map { compiled in
      let model = try Model(compiled.library)
      model.initialize(seed: 0)
      for (name, numbers) in trial.parameters { try model.write(numbers, named: name) }
      return model
    }
    let losses = try pair.map {
      try $0.gradients(tokens: trial.tokens, targets: trial.targets, seed: 1)
    }
    #expect(abs(losses[0] - losses[1]) < 1e-5)
    for name in trial.learned {
      let expected = try pair[0].read(.gradient, named: name)
      let found = Disagreement(
        name, try pair[1].read(.gradient, named: name), expected.map(Double.init))
      #expect(found.error < 1e-4, "\(found)")
    }
  }

  @Test("Positions in numbers are a token's own where texts are shorter, and go on")
  func shorter() throws {
    let trial = Trial(try CompiledModel(MixtralModel(isWritten: true).graph()))
    let model = try trial.model()
    for length in [1, 2, 3, 9, 4, 13] {
      let tokens = Array(trial.tokens.prefix(length))
      var interpreter = trial.interpreter(.evaluation)
      (interpreter.sequences, interpreter.length, interpreter.tokens) = (1, length, tokens)
      let expected = try #require(try interpreter.run([.logits]).logits)
      let found = Disagreement(
        "logits of \(length)", try model.logits(tokens: tokens, seed: 1), expected)
      #expect(found.error < 1e-5, "\(found)")
    }
  }
}
