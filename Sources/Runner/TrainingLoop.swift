import ModelRuntime

/// How a model is trained.
public struct TrainingSettings: Equatable, Sendable {
  /// Steps in all, those before a resumed run's start included.
  public var steps = 5000
  /// Evaluated before each step that this divides, and before the last.
  public var evaluationInterval = 100
  /// Batches for each part of the corpus at each evaluation.
  public var evaluationBatches = 400
  /// The optimizer's learning rate; nil takes the model's own.
  public var learningRate: Float?

  public init() {}
}

/// What a training loop tells as it goes.
public enum TrainingEvent: Sendable {
  /// One batch of the evaluation before step `step` is done.
  case evaluationBatch(step: Int)
  /// The model was evaluated; it is in the state before step `Evaluation.step`.
  case evaluated(Evaluation)
  /// A step is done; `loss` is in training mode, before the step.
  case stepped(step: Int, loss: Float)
}

/// Why training cannot start or go on.
public enum TrainingError: ExplainedError, Equatable {
  /// The loss is infinite or no number.
  case diverged(step: Int)
  /// A resumed run has already done what is asked for.
  case nothingLeft(step: Int, steps: Int)

  public var message: String {
    switch self {
    case .diverged(let step):
      return "training diverged: the loss at step \(step) is not a finite number"
    case .nothingLeft(let step, let steps):
      return "nothing is left to train: the file is at step \(step), and --steps is \(steps)"
    }
  }

  public var hint: String? {
    switch self {
    case .diverged: return "use a lower learning rate; weights saved before are kept"
    case .nothingLeft: return "ask for more steps in all, with --steps"
    }
  }
}

/// Steps and evaluations in order. Every batch and every seed is a function of the run's seed and
/// the step alone, so neither stopping nor evaluating changes what is learnt.
public struct TrainingLoop {
  public let model: Model
  public let corpus: Corpus
  public let settings: TrainingSettings
  public let seed: UInt64

  public init(model: Model, corpus: Corpus, settings: TrainingSettings, seed: UInt64) {
    self.model = model
    self.corpus = corpus
    self.settings = settings
    self.seed = seed
  }

  /// Trains from step `start` up to `settings.steps`; what `report` throws ends the run.
  public func run(from start: Int = 0, report: (TrainingEvent) throws -> Void) throws {
    guard start < settings.steps else {
      throw TrainingError.nothingLeft(step: start, steps: settings.steps)
    }
    for step in start..<settings.steps {
      if isEvaluated(step) { try evaluate(before: step, report: report) }
      let loss = try train(step)
      guard loss.isFinite else { throw TrainingError.diverged(step: step) }
      try report(.stepped(step: step, loss: loss))
    }
  }

  /// Whether the model is evaluated before `step`.
  public func isEvaluated(_ step: Int) -> Bool {
    step % settings.evaluationInterval == 0 || step == settings.steps - 1
  }

  /// One step on the batch that belongs to it.
  public func train(_ step: Int) throws -> Float {
    let manifest = model.manifest
    var stream = RandomStream(seed: seed, .trainingBatch, index: step)
    let batch = Batch(
      from: corpus.training, count: manifest.batch, context: manifest.context, using: &stream)
    var hyper = Hyperparameters(
      manifest.defaults, seed: RandomStream.seed(seed, .trainingStep, index: step))
    if let rate = settings.learningRate { hyper.learningRate = rate }
    return try model.trainStep(tokens: batch.tokens, targets: batch.targets, with: hyper)
  }

  private func evaluate(
    before step: Int, report: (TrainingEvent) throws -> Void
  ) throws {
    let evaluator = Evaluator(
      model: model, corpus: corpus, batches: settings.evaluationBatches, seed: seed)
    let evaluation = try evaluator.evaluate(step: step) { try report(.evaluationBatch(step: step)) }
    guard evaluation.trainLoss.isFinite, evaluation.validationLoss.isFinite else {
      throw TrainingError.diverged(step: step)
    }
    try report(.evaluated(evaluation))
  }
}
