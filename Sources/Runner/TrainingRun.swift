import Foundation
import ModelRuntime
import Tracking

/// Files that a training run writes.
public struct TrainingFiles: Equatable, Sendable {
  /// Weights and all that training needs to go on: at each evaluation, when it is interrupted and
  /// at the end. Beside it is the state with the lowest validation loss, see `best`.
  public var save: String?
  /// JSON lines.
  public var log: String?
  /// What the routers choose in training is written there when the run ends.
  public var record: String?
  /// The routers choose in training what was recorded there.
  public var replay: String?

  public init() {}

  /// `weights.best.safetensors` beside `weights.safetensors`.
  public var best: String? {
    guard let save else { return nil }
    // Foundation's paths trap on a name of one letter, so the text is cut here.
    let start = save.lastIndex(of: "/").map(save.index(after:)) ?? save.startIndex
    guard let dot = save[start...].lastIndex(of: "."), dot > start else { return save + ".best" }
    return save[..<dot] + ".best" + save[dot...]
  }
}

/// Who looks on while a model is trained.
public struct TrainingListeners {
  /// Gets a line at each evaluation: `step 100: train loss 2.7351, val loss 2.7429`, and of a model
  /// that routes `; experts: balance 1.62, 0 dead`.
  public var output: (String) throws -> Void = { _ in }
  /// Gets what is said once: of experts that are dead or overloaded.
  public var notice: (String) -> Void = { _ in }
  /// Asked after each batch: whether to save and stop.
  public var isInterrupted: () -> Bool = { false }
  public var trackers: [any Tracker] = []
  /// Whether a line on the terminal shows how far it is.
  public var showsProgress = true

  public init() {}
}

/// One training run: the loop, what it has shown so far, and the files that it writes.
final class TrainingRun {
  private let session: Session
  private let loop: TrainingLoop
  private let files: TrainingFiles
  private let listeners: TrainingListeners
  private let log: TrainingLog?
  private let meter: TrainingMeter
  private var record: RunRecord
  /// Steps whose loads are not in the record yet.
  private var uncountedSteps = 0

  /// Thrown by the listener of the loop, to end it.
  private struct Stop: Error {
    var outcome: TrainingOutcome
  }

  init(
    _ session: Session, _ loop: TrainingLoop, _ files: TrainingFiles,
    _ listeners: TrainingListeners
  ) throws {
    let start = session.start
    guard start < loop.settings.steps else {
      throw TrainingError.nothingLeft(step: start, steps: loop.settings.steps)
    }
    var loop = loop
    loop.tape = try RouteTape(
      record: files.record, replay: files.replay, model: loop.model,
      passes: loop.settings.accumulation, steps: start..<loop.settings.steps)
    self.session = session
    self.loop = loop
    self.files = files
    self.listeners = listeners
    record = RunRecord(
      settings: loop.settings, defaults: loop.defaults, data: loop.corpus.path,
      fingerprint: loop.corpus.fingerprint)
    if let old = session.record {
      record.progress = old.progress
      record.trackers = old.trackers
      record.experts = old.experts
      record.gradientNorms = old.gradientNorms
    }
    let shown = session.isResumed ? record.progress.last?.step ?? start - 1 : nil
    log = try files.log.map { path throws(FileError) in
      try TrainingLog(path: path, keepingThrough: shown)
    }
    meter = TrainingMeter(loop, from: start, isShown: listeners.showsProgress)
  }

  /// Trains to the end, or until it is out of patience or interrupted; the last state is saved.
  func run() throws -> TrainingOutcome {
    defer { meter.clear() }
    if let outcome = outOfPatience, outcome.step == session.start { return outcome }
    // What was counted before belongs to nobody.
    if routes { _ = try loop.model.takeExpertLoads(.training) }
    var outcome = TrainingOutcome.finished(step: loop.settings.steps)
    do {
      try loop.run(from: session.start, evaluated: record.progress.last?.step) { try take($0) }
    } catch let stop as Stop {
      outcome = stop.outcome
    } catch {
      // How a run came to diverge may be what the recording is wanted for.
      try? loop.tape?.commit()
      throw error
    }
    meter.clear()
    try loop.tape?.commit()
    if let path = files.save { try save(to: path, step: outcome.step) }
    return outcome
  }

  private func take(_ event: TrainingEvent) throws {
    meter.take(event)
    switch event {
    case .evaluationBatch(let step):
      if listeners.isInterrupted() { throw Stop(outcome: .interrupted(step: step)) }
    case .stepped(let step, let result):
      uncountedSteps += 1
      if let norm = result.gradientNorm {
        var norms = record.gradientNorms ?? GradientNorms()
        norms.add(norm)
        record.gradientNorms = norms
      }
      track(step: step, loss: result.loss)
      if listeners.isInterrupted() { throw Stop(outcome: .interrupted(step: step + 1)) }
    case .evaluated(let evaluation):
      try take(evaluation)
    }
  }

  private func take(_ evaluation: Evaluation) throws {
    meter.clear()
    let isBest = record.progress.add(evaluation)
    let balance = try balance()
    let norm = record.gradientNorms?.take()
    let experts = balance.map { "; \($0.line)" } ?? ""
    try listeners.output("step \(evaluation.step): \(evaluation.line)\(experts)")
    try log?.write(
      evaluation, balance, seconds: meter.elapsed,
      tokens: evaluation.step * loop.tokensPerStep,
      learningRate: loop.learningRate(at: evaluation.step), gradientNorm: norm)
    track(evaluation, balance, gradientNorm: norm)
    try save(evaluation, isBest: isBest)
    if let outcome = outOfPatience { throw Stop(outcome: outcome) }
  }

  private var routes: Bool {
    !loop.model.manifest.routers.isEmpty && loop.model.has(.expertLoads)
  }

  private func countExperts() throws {
    guard routes else { return }
    var watch = record.experts ?? ExpertWatch()
    try watch.add(from: loop.model, steps: uncountedSteps)
    uncountedSteps = 0
    record.experts = watch
  }

  /// How experts were used since the last evaluation; nil before the first step.
  private func balance() throws -> ExpertBalance? {
    try countExperts()
    guard let taken = record.experts?.take(loop.model.manifest.routers) else { return nil }
    taken.notices.forEach(listeners.notice)
    return taken.balance
  }

  /// The end at the newest evaluation, if the validation loss did not get lower for so long.
  private var outOfPatience: TrainingOutcome? {
    guard let patience = loop.settings.patience, let best = record.progress.best,
      let last = record.progress.last, record.progress.withoutImprovement >= patience
    else { return nil }
    return .outOfPatience(step: last.step, best: best)
  }

  /// The best state is saved first: killed in between, a run goes on from the evaluation before
  /// and saves it once more.
  private func save(_ evaluation: Evaluation, isBest: Bool) throws {
    guard let path = files.save, let best = files.best else { return }
    if isBest {
      try save(to: best, step: evaluation.step)
      if AtomicFile.link(best, as: path) { return }
    }
    try save(to: path, step: evaluation.step)
  }

  private func save(to path: String, step: Int) throws {
    try countExperts()
    for tracker in listeners.trackers {
      if let (key, value) = tracker.continuation { record.trackers[key] = value }
    }
    try session.save(to: path, step: step, record)
  }
}

// MARK: - Tracking

extension TrainingRun {
  private func track(
    _ evaluation: Evaluation, _ balance: ExpertBalance?, gradientNorm: Double?
  ) {
    var metrics = [
      "train_loss": evaluation.trainLoss, "val_loss": evaluation.validationLoss,
      "learning_rate": Double(loop.learningRate(at: evaluation.step)),
      "tokens": Double(evaluation.step * loop.tokensPerStep), "seconds": meter.elapsed,
    ]
    if let balance {
      metrics["expert_balance"] = balance.balance
      metrics["dead_experts"] = Double(balance.deadExperts)
      metrics["dropped_share"] = balance.droppedShare
    }
    metrics["gradient_norm"] = gradientNorm
    metrics["tokens_per_second"] = meter.tokensPerSecond
    for tracker in listeners.trackers { tracker.log(metrics: metrics, step: evaluation.step) }
  }

  /// The loss of single batches, some twenty of them between two evaluations.
  private func track(step: Int, loss: Float) {
    guard step % max(1, loop.settings.evaluationInterval / 20) == 0 else { return }
    for tracker in listeners.trackers {
      tracker.log(metrics: ["batch_loss": Double(loss)], step: step)
    }
  }
}

extension TrainingLoop {
  /// Tokens that one step learns from.
  public var tokensPerStep: Int {
    settings.accumulation * model.manifest.batch * model.manifest.context
  }
}
