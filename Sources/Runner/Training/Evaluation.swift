import Foundation
import ModelRuntime

/// Mean losses of a model on both parts of a corpus, measured before step `step`.
public struct Evaluation: Equatable, Sendable, Codable {
  public var step: Int
  public var trainLoss: Double
  public var validationLoss: Double
  /// The validation loss of the averaged weights, where a run has them.
  public var averageLoss: Double?
  /// The losses in bits for each character, where tokens are not characters: what models with
  /// different vocabularies are compared by.
  public var bitsPerCharacter: BitsPerCharacter?

  /// Losses of both parts, loss / ln 2 · tokens / characters.
  public struct BitsPerCharacter: Equatable, Sendable, Codable {
    public var train: Double
    public var validation: Double
  }

  /// `train loss 2.7351, val loss 2.7429`, with averaged weights `, ema val loss 2.7318`, and with a
  /// tokenizer `; bits per character: train 1.6312, val 1.6405`.
  public var line: String {
    var losses = "train loss \(fourDecimals(trainLoss)), val loss \(fourDecimals(validationLoss))"
    if let averageLoss { losses += ", ema val loss \(fourDecimals(averageLoss))" }
    guard let bits = bitsPerCharacter else { return losses }
    return losses + "; bits per character: train \(fourDecimals(bits.train)), "
      + "val \(fourDecimals(bits.validation))"
  }

  init(
    step: Int, trainLoss: Double, validationLoss: Double, _ density: CharactersPerToken? = nil
  ) {
    self.step = step
    self.trainLoss = trainLoss
    self.validationLoss = validationLoss
    bitsPerCharacter = density.map { density in
      BitsPerCharacter(
        train: trainLoss / log(2) / density.training,
        validation: validationLoss / log(2) / density.validation)
    }
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
      validationLoss: try meanLoss(on: .validation, step: step, progress: progress),
      corpus.charactersPerToken)
  }

  /// The validation loss of a model with other weights, on the same batches and with the same noise.
  func validationLoss(
    of model: Model, step: Int, progress: () throws -> Void
  ) throws -> Double {
    try Evaluator(model: model, corpus: corpus, batches: batches, seed: seed)
      .meanLoss(on: .validation, step: step, progress: progress)
  }

  private func meanLoss(
    on split: Corpus.Split, step: Int, progress: () throws -> Void
  ) throws -> Double {
    let manifest = model.manifest
    let part = split == .training ? 0 : 1
    var stream = RandomStream(seed: seed, Self.purpose(of: split), index: step)
    var mean = CountedMean<Double>(count: 1)
    // As many batches at once as threads: each takes one.
    let group = max(model.threads ?? Processors.current.usualThreads, 1)
    for first in stride(from: 0, to: batches, by: group) {
      var (tokens, targets, seeds): ([Int32], [Int32], [UInt64]) = ([], [], [])
      for index in first..<min(first + group, batches) {
        let batch = Batch(
          from: corpus[split], count: manifest.batch, context: manifest.context, using: &stream)
        tokens += batch.tokens
        targets += batch.targets
        seeds.append(
          RandomStream.seed(seed, .evaluationNoise, index: step, part: 2 * index + part))
      }
      let losses = try model.losses(tokens: tokens, targets: targets, seeds: seeds)
      for (index, loss) in losses.enumerated() {
        let each = manifest.batch * manifest.context
        mean.add([loss], of: targets[index * each..<(index + 1) * each])
        try progress()
      }
    }
    return mean.means[0]
  }

  private static func purpose(of split: Corpus.Split) -> RandomPurpose {
    switch split {
    case .training: return .evaluationOfTraining
    case .validation: return .evaluationOfValidation
    }
  }
}
