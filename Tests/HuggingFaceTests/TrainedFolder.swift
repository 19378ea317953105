import Comparison
import CompiledModels
import Exchange
import HuggingFace
import ModelFixtures
import ModelRuntime

extension Folder {
  /// An imported model after the steps that transformers took of it.
  struct Trained {
    /// The cross-entropy of each step before its update, and how far it is from transformers'.
    var losses: [Float] = []
    var lossDifference = 0.0

    /// Of the first window after the steps, relative to the largest of transformers'.
    var logitDifference = 0.0

    let model: DecoderModel
    let weights: String
  }

  /// The file that goes with the steps: their texts, what transformers made of them.
  static let trainedName = "trained"

  /// Imports the folder, compiles it, and trains it as long as transformers did.
  func trained() throws -> Trained {
    let expected = try Fixture("folders/\(name)/\(Self.trainedName)")
    let (source, graph, weights) = try imported()
    let model = try Model(try CompiledModel(graph).library)
    for (name, tensor) in try Folder.tensors([weights]) {
      try model.write(tensor.numbers, named: name)
    }
    let place = try ModelFixture.folder() + "/trained.safetensors"
    var trained = Trained(model: source.model, weights: place)
    var hyper = Hyperparameters(model.manifest.defaults, seed: 1)
    hyper.learningRate = expected.learningRate
    for step in 0..<expected.steps {
      trained.losses.append(
        try model.trainStep(
          tokens: try expected.integers("step_tokens", step: step),
          targets: try expected.integers("step_targets", step: step), with: hyper))
    }
    let losses = try expected.numbers("losses") ?? []
    trained.lossDifference =
      zip(trained.losses, losses).map { Double(abs($0 - $1)) }.max() ?? .infinity
    let tokens = try expected.integers("step_tokens", step: 0)
    let logits = try stride(from: 0, to: tokens.count, by: model.manifest.context).flatMap {
      try model.logits(tokens: Array(tokens[$0..<$0 + model.manifest.context]), seed: 1)
    }
    trained.logitDifference =
      Disagreement(
        "logits", logits, (try expected.numbers("logits") ?? []).map(Double.init)
      ).error
    try Checkpoint.saveWeights(
      of: model, CheckpointNotes(model: "small", vocabulary: [], step: expected.steps), to: place)
    return trained
  }
}
