import Foundation
import Ranks
import SystemFiles
import Tracking

/// One training run: the loop, what it has shown so far, and the files that it writes.
final class TrainingRun {
  private let session: Session
  private let loop: TrainingLoop
  private let files: TrainingFiles
  private let listeners: TrainingListeners
  private let log: TrainingLog?
  private let meter: TrainingMeter
  private var record: RunRecord
  private var isLogBroken = false
  /// Steps whose loads are not in the record yet.
  private var uncountedSteps = 0
  private var lastSaved: TrainingError.SavedState?

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
      passes: loop.settings.accumulation, steps: start..<loop.settings.steps,
      goesOn: session.isResumed && !files.overwrites, warning: listeners.warning)
    self.session = session
    self.loop = loop
    self.files = files
    self.listeners = listeners
    record = RunRecord(settings: loop.settings, defaults: loop.defaults, loop.data)
    if let old = session.record {
      record.progress = old.progress
      record.trackers = old.trackers
      record.experts = old.experts
      record.gradientNorms = old.gradientNorms
      record.balance = old.balance
      record.gradientNorm = old.gradientNorm
      record.termSums = old.termSums
      record.terms = old.terms
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
    defer { listeners.progressed(record.progress) }
    if let outcome = outOfPatience, outcome.step == session.start { return outcome }
    listeners.begins()
    logWhatWasSaved()
    // What was counted before belongs to nobody.
    if routes { _ = try loop.model.takeExpertLoads(.training) }
    var outcome = TrainingOutcome.finished(step: loop.settings.steps)
    do {
      try loop.run(from: session.start, evaluated: record.progress.last?.step) { try take($0) }
    } catch let stop as Stop {
      outcome = stop.outcome
    } catch {
      // How a run came to diverge may be what the recording is wanted for.
      loop.tape?.commit()
      throw error
    }
    meter.clear()
    if let path = files.save {
      try save(to: path, step: outcome.step)
      try saveAverage(step: outcome.step)
    }
    loop.tape?.commit()
    if log?.isIncomplete == true { listeners.warning("the log lacks what could not be written") }
    return outcome
  }

  private func take(_ event: TrainingEvent) throws {
    meter.take(event)
    switch event {
    case .evaluationBatch(let step):
      // Ranks have not equally many batches: they stop after the next step.
      if session.ranks.count == 1, listeners.isInterrupted() {
        throw Stop(outcome: .interrupted(step: step))
      }
    case .stepped(let step, let result):
      uncountedSteps += 1
      if let norm = result.gradientNorm {
        var norms = record.gradientNorms ?? GradientNorms()
        norms.add(norm)
        record.gradientNorms = norms
      }
      if !result.terms.isEmpty {
        var sums = record.termSums ?? TermSums()
        sums.add(result.terms)
        record.termSums = sums
      }
      track(step: step, loss: result.loss)
      if try session.ranks.any(listeners.isInterrupted()) {
        throw Stop(outcome: .interrupted(step: step + 1))
      }
    case .evaluated(let evaluation):
      try take(evaluation)
    }
  }

  /// The checkpoint comes first, and only its failure ends training: what is said, logged, recorded
  /// and tracked comes after it, and what fails there is said once.
  private func take(_ evaluation: Evaluation) throws {
    meter.clear()
    let isBest = record.progress.add(evaluation)
    record.balance = try balance()
    record.gradientNorm = record.gradientNorms?.take()
    record.terms = record.termSums?.take(loop.model.manifest.terms)
    try save(evaluation, isBest: isBest)
    let experts = record.balance.map { "; \($0.line)" } ?? ""
    let terms = record.terms.map { "; \($0.line)" } ?? ""
    try listeners.output("step \(evaluation.step): \(evaluation.line)\(terms)\(experts)")
    log(evaluation, seconds: meter.elapsed)
    loop.tape?.commit()
    track(evaluation, record.balance, gradientNorm: record.gradientNorm)
    if let outcome = outOfPatience { throw Stop(outcome: outcome) }
  }

  private func log(_ evaluation: Evaluation, seconds: Double) {
    guard let log else { return }
    do {
      try log.write(
        evaluation, record.balance, terms: record.terms, seconds: seconds,
        tokens: loop.tokens(before: evaluation.step),
        learningRate: loop.learningRate(at: evaluation.step), gradientNorm: record.gradientNorm)
      if log.takeRemoval() { listeners.warning("the log was removed, and is made anew") }
    } catch {
      if !isLogBroken { listeners.warning("\(error.message); training goes on") }
      isLogBroken = true
    }
  }

  /// A run that was killed after it saved may not have come to log that evaluation.
  private func logWhatWasSaved() {
    guard let kept = log?.lastKept, let last = record.progress.last, kept < last.step else {
      return
    }
    log(last, seconds: 0)
  }

  private var routes: Bool {
    !loop.model.manifest.routers.isEmpty && loop.model.has(.expertLoads)
  }

  private func countExperts() throws {
    guard routes else { return }
    var watch = record.experts ?? ExpertWatch()
    try watch.add(from: loop.model, of: session.ranks, steps: uncountedSteps)
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
    if isBest { try save(to: best, step: evaluation.step) }
    let isLinked = try session.ranks.told(by: { isBest && AtomicFile.link(best, as: path) })
    if !isLinked { try save(to: path, step: evaluation.step) }
    try saveAverage(step: evaluation.step)
  }

  private func save(to path: String, step: Int) throws {
    try countExperts()
    for tracker in listeners.trackers {
      if let (key, value) = tracker.continuation { record.trackers[key] = value }
    }
    try write(to: path, step: step) {
      try session.save(to: path, step: step, record, average: loop.average)
    }
    lastSaved = .init(path: path, step: step)
  }

  /// The checkpoint has the averages too, so that what is killed before this goes on all the same.
  private func saveAverage(step: Int) throws {
    guard let average = loop.average, let path = files.average else { return }
    try write(to: path, step: step) { try session.save(average, to: path, step: step, record) }
  }

  /// Where somebody removed the folder meanwhile it is made anew: what was learnt is worth more.
  private func write(to path: String, step: Int, _ save: () throws -> Void) throws {
    do {
      do {
        try save()
      } catch let error as FileError
        where error.code == ENOENT && session.ranks.count == 1 && NewFolder.make(above: path)
      {
        listeners.warning("the folder of \(path) was removed, and is made anew")
        listeners.begins()
        try save()
      }
    } catch let error as FileError {
      throw TrainingError.notSaved(step: step, error, last: lastSaved)
    }
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
      "tokens": Double(loop.tokens(before: evaluation.step)), "seconds": meter.elapsed,
    ]
    if let balance {
      metrics["expert_balance"] = balance.balance
      metrics["dead_experts"] = Double(balance.deadExperts)
      metrics["dropped_share"] = balance.droppedShare
    }
    metrics["ema_val_loss"] = evaluation.averageLoss
    metrics["gradient_norm"] = gradientNorm
    for term in record.terms ?? [] { metrics["term.\(term.name)"] = term.mean }
    metrics["tokens_per_second"] = meter.tokensPerSecond
    metrics["learned_tokens_per_second"] = meter.learnedPerSecond
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
  /// Tokens of all steps before one.
  func tokens(before step: Int) -> Int {
    data.tokens(before: step, of: settings.accumulation, model.manifest, seed: seed)
  }

  /// How much a step learns from.
  func count(of step: Int) -> TokenCount {
    data.count(step: step, of: settings.accumulation, model.manifest, seed: seed)
  }
}
