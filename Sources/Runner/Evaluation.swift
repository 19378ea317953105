import ModelRuntime

/// Mean losses of a model on both parts of a corpus, measured before step `step`.
public struct Evaluation: Equatable, Sendable {
  public var step: Int
  public var trainLoss: Double
  public var validationLoss: Double

  /// `train loss 2.7351, val loss 2.7429`.
  public var line: String {
    "train loss \(fourDecimals(trainLoss)), val loss \(fourDecimals(validationLoss))"
  }
}

/// Measures mean losses over random batches in evaluation mode.
public struct Evaluator {
  public let model: Model
  public let corpus: Corpus
  /// Batches for each part of the corpus.
  public let batches: Int
  public let seed: UInt64

  public init(model: Model, corpus: Corpus, batches: Int, seed: UInt64) {
    self.model = model
    self.corpus = corpus
    self.batches = batches
    self.seed = seed
  }

  /// Evaluates both parts; `progress` is called after each batch.
  public func evaluate(step: Int, progress: () throws -> Void = {}) throws -> Evaluation {
    Evaluation(
      step: step,
      trainLoss: try meanLoss(on: .training, step: step, progress: progress),
      validationLoss: try meanLoss(on: .validation, step: step, progress: progress))
  }

  private func meanLoss(
    on split: Corpus.Split, step: Int, progress: () throws -> Void
  ) throws -> Double {
    let manifest = model.manifest
    let part = split == .training ? 0 : 1
    var stream = RandomStream(seed: seed, Self.purpose(of: split), index: step)
    var sum = 0.0
    for index in 0..<batches {
      let batch = Batch(
        from: corpus[split], count: manifest.batch, context: manifest.context, using: &stream)
      let noise = RandomStream.seed(
        seed, .evaluationNoise, index: step, part: 2 * index + part)
      sum += Double(try model.loss(tokens: batch.tokens, targets: batch.targets, seed: noise))
      try progress()
    }
    return sum / Double(batches)
  }

  private static func purpose(of split: Corpus.Split) -> RandomPurpose {
    switch split {
    case .training: return .evaluationOfTraining
    case .validation: return .evaluationOfValidation
    }
  }
}
