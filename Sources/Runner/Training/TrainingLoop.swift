import ModelRuntime
import Ranks

/// Steps and evaluations in order. Every batch and every seed is a function of the run's seed and
/// the step alone, so neither stopping nor evaluating changes what is learnt.
public struct TrainingLoop {
  public let model: Model
  let data: any LearningData
  public let settings: TrainingSettings
  public let seed: UInt64
  /// The optimizer's numbers but for the learning rate, which `settings` may replace.
  public let defaults: Manifest.Defaults
  /// Those that share the batches of a step.
  public var ranks = Ranks.alone
  /// Records and replays routes; nil does neither.
  public var tape: RouteTape?
  /// Takes the weights after each step in, and is evaluated too.
  public var average: WeightAverage?

  public init(
    model: Model, corpus: Corpus, settings: TrainingSettings, seed: UInt64,
    defaults: Manifest.Defaults? = nil
  ) {
    self.init(model: model, data: corpus, settings: settings, seed: seed, defaults: defaults)
  }

  init(
    model: Model, data: any LearningData, settings: TrainingSettings, seed: UInt64,
    defaults: Manifest.Defaults?
  ) {
    self.model = model
    self.data = data
    self.settings = settings
    self.seed = seed
    self.defaults = defaults ?? model.manifest.defaults
  }

  /// Trains from step `start` up to `settings.steps`; what `report` throws ends the run. The
  /// evaluation before step `evaluated` is left out: an earlier run did it.
  public func run(
    from start: Int = 0, evaluated: Int? = nil, report: (TrainingEvent) throws -> Void
  ) throws {
    guard start < settings.steps else {
      throw TrainingError.nothingLeft(step: start, steps: settings.steps)
    }
    try prepare()
    for step in start..<settings.steps {
      if isEvaluated(step), step != evaluated { try evaluate(before: step, report: report) }
      try report(.stepped(step: step, try train(step)))
    }
  }

  /// Whether the model is evaluated before `step`.
  public func isEvaluated(_ step: Int) -> Bool {
    step % settings.evaluationInterval == 0 || step == settings.steps - 1
  }

  /// The learning rate of a step.
  public func learningRate(at step: Int) -> Float {
    settings.schedule.rate(
      at: step, of: settings.steps, peak: settings.learningRate ?? defaults.learningRate)
  }

  /// Asks the library for what the settings need. Errors: it has no such function.
  private func prepare() throws {
    for function in [OptionalFunction.accumulate, .update]
    where settings.isSplit && !model.has(function) {
      throw ModelError.lacks(function)
    }
    if settings.accumulation > 1, model.manifest.accumulates == false, !model.has(.createRank) {
      throw ModelError.takesOneBatch
    }
    for group in settings.noDecay {
      let members = ParameterGroup(group).members(in: model.manifest)
      if members.isEmpty { throw EmptyGroupError(group: group) }
      for index in members { try model.setDecay(false, of: index) }
    }
  }

  /// One step on the batches that belong to it. Errors: the loss or the gradient is not finite.
  public func train(_ step: Int) throws -> TrainingStep {
    var hyper = Hyperparameters(
      defaults, seed: RandomStream.seed(seed, .trainingStep, index: step))
    hyper.learningRate = learningRate(at: step)
    hyper.weightDecay = settings.weightDecay ?? hyper.weightDecay
    let loss: Float
    var norm: Float?
    var terms: [Float]
    if settings.isSplit {
      let own = try accumulate(step)
      norm = try model.update(with: hyper, maximumNorm: settings.clip)
      (loss, terms) = try means(of: own)
    } else {
      let batch = batch(of: step)
      try model.take(documents: batch.beginnings)
      try tape?.begin(model, step: step, pass: 0)
      loss = try model.trainStep(tokens: batch.tokens, targets: batch.targets, with: hyper)
      terms = try model.terms()
      try tape?.end(model)
    }
    guard loss.isFinite, norm?.isFinite != false else { throw try diverged(at: step) }
    try average?.take(model)
    return TrainingStep(loss: loss, gradientNorm: norm, terms: terms)
  }

  /// The share of targets that are not ignored, the loss and the objective's terms of each of this rank's
  /// batches, whose gradients are added up in the model. Errors: a loss is not finite, which ends the work of
  /// all ranks.
  private func accumulate(_ step: Int) throws -> [Double] {
    let count = settings.accumulation / ranks.count
    var numbers: [Double] = []
    for part in ranks.rank * count..<(ranks.rank + 1) * count {
      let batch = batch(of: step, part: part)
      try model.take(documents: batch.beginnings)
      try tape?.begin(model, step: step, pass: part)
      let loss = try model.accumulate(
        tokens: batch.tokens, targets: batch.targets,
        seed: RandomStream.seed(seed, .trainingStep, index: step, part: part))
      let share = Model.share(of: batch.targets)
      numbers += try [share] + ([loss] + model.terms()).map(Double.init)
      try tape?.end(model)
      guard loss.isFinite else { throw try diverged(at: step) }
    }
    return numbers
  }

  /// The means over the batches of all ranks, in the batches' order, of what `accumulate` gave.
  private func means(of own: [Double]) throws -> (loss: Float, terms: [Float]) {
    let width = 1 + model.manifest.terms.count
    let all = Array(try ranks.gather(own).joined())
    var mean = CountedMean<Float>(count: width)
    for first in stride(from: 0, to: all.count, by: 1 + width) {
      mean.add(all[first + 1...first + width], share: all[first])
    }
    return (mean.means[0], Array(mean.means.dropFirst()))
  }

  private func batch(of step: Int, part: Int = 0) -> Batch {
    data.batch(step: step, part: part, of: settings.accumulation, model.manifest, seed: seed)
  }

  private var evaluator: Evaluator {
    var evaluator = Evaluator(
      model: model, data: data, batches: settings.evaluationBatches, seed: seed)
    evaluator.ranks = ranks
    return evaluator
  }

  /// Batches that an evaluation passes through, of both parts, and those to validate with the averaged
  /// weights too.
  var evaluationBatches: Int {
    let validation = evaluator.count(of: .validation)
    return evaluator.count(of: .training) + validation * (settings.ema == nil ? 1 : 2)
  }

  private func diverged(at step: Int) throws -> TrainingError {
    .diverged(step: step, place: try model.firstBad())
  }

  private func evaluate(
    before step: Int, report: (TrainingEvent) throws -> Void
  ) throws {
    let evaluator = evaluator
    var evaluation = try evaluator.evaluate(step: step) { try report(.evaluationBatch(step: step)) }
    if let average {
      evaluation.averageLoss = try evaluator.validationLoss(of: average.model, step: step) {
        try report(.evaluationBatch(step: step))
      }
    }
    let losses = [evaluation.trainLoss, evaluation.validationLoss, evaluation.averageLoss ?? 0]
    guard losses.allSatisfy(\.isFinite) else { throw try diverged(at: step) }
    try report(.evaluated(evaluation))
  }
}
