import Foundation
import ModelRuntime
import Ranks

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

  /// `perplexity: train 15.41, val 15.53`, e to the power of each loss.
  public var perplexity: String {
    let numbers = [trainLoss, validationLoss].map { String(format: "%.4g", exp($0)) }
    return "perplexity: train \(numbers[0]), val \(numbers[1])"
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

/// Measures mean losses over batches in evaluation mode.
struct Evaluator {
  let model: Model
  let data: any LearningData
  /// Batches for each part of the data, at most.
  let batches: Int
  let seed: UInt64
  /// Those that share the batches.
  var ranks = Ranks.alone

  init(model: Model, data: any LearningData, batches: Int, seed: UInt64) {
    self.model = model
    self.data = data
    self.batches = batches
    self.seed = seed
  }

  /// How many batches of a part are evaluated.
  func count(of split: Corpus.Split) -> Int {
    data.evaluationBatches(of: split, atMost: batches, model.manifest)
  }

  /// Evaluates both parts; `progress` is called after each batch.
  func evaluate(step: Int, progress: () throws -> Void = {}) throws -> Evaluation {
    Evaluation(
      step: step,
      trainLoss: try meanLoss(on: .training, step: step, progress: progress),
      validationLoss: try meanLoss(on: .validation, step: step, progress: progress),
      data.charactersPerToken)
  }

  /// The validation loss of a model with other weights, on the same batches and with the same noise.
  func validationLoss(
    of model: Model, step: Int, progress: () throws -> Void
  ) throws -> Double {
    var evaluator = Evaluator(model: model, data: data, batches: batches, seed: seed)
    evaluator.ranks = ranks
    return try evaluator.meanLoss(on: .validation, step: step, progress: progress)
  }

  /// The mean over the batches of all ranks, added up in the batches' order.
  private func meanLoss(
    on split: Corpus.Split, step: Int, progress: () throws -> Void
  ) throws -> Double {
    let manifest = model.manifest
    let part = split == .training ? 0 : 1
    var source = data.evaluation(of: split, step: step, manifest, seed: seed)
    let batches = count(of: split)
    // The last ranks may have fewer, and give zeros for the rest.
    let count = (batches + ranks.count - 1) / ranks.count
    let own = min(ranks.rank * count, batches)..<min((ranks.rank + 1) * count, batches)
    for _ in 0..<own.lowerBound { _ = source.next() }
    var numbers: [Double] = []
    // As many batches at once as threads: each takes one.
    let group = max(model.threads ?? Processors.current.usualThreads, 1)
    for first in stride(from: own.lowerBound, to: own.upperBound, by: group) {
      var (tokens, targets, seeds): ([Int32], [Int32], [UInt64]) = ([], [], [])
      var documents: [Int32]?
      for index in first..<min(first + group, own.upperBound) {
        let batch = source.next()
        if let beginnings = batch.beginnings { documents = (documents ?? []) + beginnings }
        tokens += batch.tokens
        targets += batch.targets
        seeds.append(
          RandomStream.seed(seed, .evaluationNoise, index: step, part: 2 * index + part))
      }
      try model.take(documents: documents, batches: seeds.count)
      let losses = try model.losses(tokens: tokens, targets: targets, seeds: seeds)
      let each = manifest.batch * manifest.context
      for (index, loss) in losses.enumerated() {
        numbers += [Double(loss), Model.share(of: targets[index * each..<(index + 1) * each])]
        try progress()
      }
    }
    if manifest.expertRanks > 1 {
      for _ in numbers.count / 2..<count { try takePart() }
    }
    numbers += Array(repeating: 0, count: 2 * count - numbers.count)
    let all = Array(try ranks.gather(numbers).joined())
    var mean = CountedMean<Double>(count: 1)
    for index in 0..<batches { mean.add([all[2 * index]], share: all[2 * index + 1]) }
    return mean.means[0]
  }

  /// A pass that nobody asks for, because others need this rank's experts.
  private func takePart() throws {
    let count = model.manifest.batch * model.manifest.context
    let targets = [Int32](repeating: Model.ignoredTarget, count: count)
    _ = try model.losses(tokens: targets.map { _ in 0 }, targets: targets, seeds: [0])
  }
}
