import Foundation

/// Trials of a study, one after the other or several at once, until the budget is used up.
public final class StudySearch: @unchecked Sendable {
  /// What a search is to keep to.
  public struct Options: Sendable {
    public var budget = Budget(trials: 20)
    /// Trials that are trained at once.
    public var workers = 1
    /// Trials that are begun before their turn, so that their libraries are there when it comes.
    public var ahead = 1
    /// Models that need more memory are refused before they are compiled.
    public var most: Int?
    /// Numbers that conditions may name beside those of the space.
    public var fixed: TrialValues = [:]

    public init() {}
  }

  /// Who hears of trials as they go on; called on the workers' threads, one at a time.
  public struct Listeners: Sendable {
    public var began: @Sendable (Trial) -> Void = { _ in }
    public var ended: @Sendable (Trial, Study) -> Void = { _, _ in }
    /// Asked often: whether to end now and leave trials for another time.
    public var isInterrupted: @Sendable () -> Bool = { false }

    public init() {}
  }

  private let journal: StudyJournal
  private let plan: StudyPlan
  private let space: SearchSpace
  private let sampler: any Sampler
  private let pruner: (any Pruner)?
  private let maker: any TrialMaker
  private let worker: StudyWorker
  private let options: Options
  private let listeners: Listeners
  private let start = ContinuousClock.now
  private let turns: Turns
  private let lock = NSLock()
  // Guarded by the lock.
  private var failure: (any Error)?
  private var own: Set<Int> = []

  public init(
    _ journal: StudyJournal, _ plan: StudyPlan, _ space: SearchSpace, sampler: any Sampler,
    pruner: (any Pruner)?, maker: any TrialMaker, worker: StudyWorker, _ options: Options,
    _ listeners: Listeners = Listeners()
  ) throws {
    (self.journal, self.plan, self.space) = (journal, plan, space)
    (self.sampler, self.pruner, self.maker) = (sampler, pruner, maker)
    (self.worker, self.options, self.listeners) = (worker, options, listeners)
    turns = Turns(limit: max(1, options.workers))
    try journal.begin(plan)
  }

  /// Makes trials. Errors: the first that ended a worker; the trials that others made are kept.
  public func run() throws {
    let count = max(1, options.workers) + max(0, options.ahead)
    // Begun before any is made: later ones then begin at the same moments in each search.
    var first: [Trial] = []
    while first.count < count, !isOver, let trial = try next() { first.append(trial) }
    let threads = first.dropFirst().map { trial in
      let done = DispatchSemaphore(value: 0)
      let thread = Thread { [self] in
        work(trial)
        done.signal()
      }
      thread.stackSize = 1 << 24
      thread.start()
      return done
    }
    if let trial = first.first { work(trial) }
    for thread in threads { thread.wait() }
    if let failure { throw failure }
  }

  /// Makes a trial, and those that follow it.
  private func work(_ first: Trial) {
    do {
      var trial: Trial? = first
      while let current = trial { trial = try follow(current) }
    } catch {
      lock.withLock { failure = failure ?? error }
    }
  }

  /// Makes a trial when its turn comes, and begins the next one while it still has it.
  private func follow(_ trial: Trial) throws -> Trial? {
    let preparation: Preparation
    do {
      preparation = try prepare(trial)
    } catch {
      turns.drop(trial.number)
      throw error
    }
    guard turns.enter(trial.number, until: { isOver }) else { return nil }
    defer { turns.leave() }
    guard !isOver, let result = try result(of: trial, preparation) else { return nil }
    try end(trial, result)
    return isOver ? nil : try next()
  }

  private var isOver: Bool { listeners.isInterrupted() || lock.withLock { failure != nil } }

  // MARK: - The next trial

  /// One whose worker is gone, or a new one; nil if there is none to begin.
  private func next() throws -> Trial? {
    try journal.exclusively {
      // Another search may have made it its own before it had trials.
      try journal.begin(plan)
      if let trial = try abandoned() { return trial }
      let study = journal.study
      let number = study.trials.count
      guard options.budget.allows(study, after: (ContinuousClock.now - start) / .seconds(1)),
        let values = try values(for: number, study)
      else { return nil }
      try journal.append(
        .begin(
          trial: number, values: values, worker: worker.name, time: Date().timeIntervalSince1970))
      try sampler.take(number, values)
      return begun(number)
    }
  }

  private func begun(_ number: Int) -> Trial {
    lock.withLock { _ = own.insert(number) }
    turns.expect(number)
    let trial = journal.study.trials[number]
    lock.withLock { listeners.began(trial) }
    return trial
  }

  private func abandoned() throws -> Trial? {
    for trial in journal.study.trials where trial.result == nil {
      let isOwn = lock.withLock { own.contains(trial.number) }
      guard !isOwn, trial.worker == worker.name || !worker.isAlive(trial.worker) else { continue }
      guard Set(trial.values.keys) == Set(space.dimensions.map(\.name)) else {
        throw SearchError(
          "\(journal.path): trial \(trial.number) has other parameters than the space",
          hint: "begin a study of its own with --study FOLDER")
      }
      try journal.append(
        .take(trial: trial.number, worker: worker.name, time: Date().timeIntervalSince1970))
      return begun(trial.number)
    }
    return nil
  }

  /// Suggestions that were tried already are asked for anew a few times: what is left to try may be little.
  private static let repetitions = 8
  private static let attempts = 2000

  private func values(for number: Int, _ study: Study) throws -> TrialValues? {
    var repeated: TrialValues?
    var repetitions = 0
    for attempt in 0..<Self.attempts {
      guard let values = try sampler.suggest(number, attempt: attempt, for: study) else {
        return repeated
      }
      if space.broken(by: values, options.fixed) != nil { continue }
      guard study.same(as: values) != nil else { return values }
      repeated = values
      repetitions += 1
      if repetitions > Self.repetitions { return values }
    }
    if let repeated { return repeated }
    throw SearchError(
      "no values were found that meet \(space.conditions.map(\.text).joined(separator: ", "))",
      hint: "widen the space, or loosen --where")
  }

  // MARK: - Its result

  /// What is known of a trial before its turn.
  private enum Preparation {
    /// Its library is there, after so many seconds.
    case ready(TrialCost, seconds: Double)
    /// It will not be trained.
    case over(TrialResult)
  }

  private func prepare(_ trial: Trial) throws -> Preparation {
    if let known = copied(trial) { return .over(known) }
    do {
      let cost = try maker.cost(of: trial.values)
      if let most = options.most, cost.bytes > most {
        var result = TrialResult(.refused)
        result.cost = cost
        let (size, limit) = (Double(cost.bytes), Double(most))
        result.note =
          "its training needs \(StudyTable.magnitude(size))B, and \(StudyTable.magnitude(limit))B are allowed"
        return .over(result)
      }
      return .ready(cost, seconds: try maker.prepare(trial.values))
    } catch let failure as TrialFailure {
      var result = TrialResult(.failed)
      result.note = failure.reason
      return .over(result)
    }
  }

  /// The same values train to the same numbers: nil if nobody has trained them.
  private func copied(_ trial: Trial) -> TrialResult? {
    guard let same = journal.study.same(as: trial.values), same.isComplete,
      var result = same.result
    else { return nil }
    (result.copied, result.seconds, result.preparation) = (same.number, 0, 0)
    return result
  }

  /// Nil if it was interrupted, and is left for another time.
  private func result(of trial: Trial, _ preparation: Preparation) throws -> TrialResult? {
    switch preparation {
    case .over(let result): return result
    case .ready(let cost, let seconds):
      // An equal one may have been made meanwhile.
      if let known = copied(trial) { return known }
      var result = try made(trial, cost)
      result?.preparation = seconds
      return result
    }
  }

  private func made(_ trial: Trial, _ cost: TrialCost) throws -> TrialResult? {
    var trial = trial
    var isPruned = false
    let made: MadeTrial
    do {
      made = try maker.make(trial) { report in
        if isOver { return false }
        trial.reports.append(report)
        try journal.append(
          .report(trial: trial.number, worker: worker.name, step: report.step, loss: report.loss))
        isPruned = try pruner?.prunes(trial, in: journal.study) ?? false
        return !isPruned
      }
    } catch let failure as TrialFailure {
      if isOver { return nil }
      var result = TrialResult(.failed)
      (result.note, result.cost, result.steps) = (
        failure.reason, cost, trial.reports.last?.step ?? 0
      )
      return result
    }
    guard made.isWhole || isPruned else { return nil }
    var result = TrialResult(made.isWhole && !isPruned ? .complete : .pruned)
    let best = trial.reports.min { $0.loss < $1.loss }
    (result.loss, result.lossStep, result.bits) = (best?.loss, best?.step, made.bits)
    (result.steps, result.seconds) = (made.steps, made.seconds)
    result.cost = cost
    if result.state == .complete, let loss = best?.loss {
      result.values = plan.objectives.map { $0.value(loss: loss, bits: made.bits, cost) }
    }
    return result
  }

  private func end(_ trial: Trial, _ result: TrialResult) throws {
    try journal.exclusively {
      var result = result
      // The sampler hears of it once it is certain that nobody else has ended it.
      let current = journal.study.trials[trial.number]
      guard current.worker == worker.name, current.result == nil else { return }
      result.attributes = try sampler.attributes(of: current, result)
      try journal.append(.end(trial: trial.number, worker: worker.name, result: result))
    }
    let study = journal.study
    lock.withLock { listeners.ended(study.trials[trial.number], study) }
    try checkForFailures(study)
  }

  /// Where nothing has worked so far, nothing will.
  private func checkForFailures(_ study: Study) throws {
    let finished = study.finished
    guard finished.count >= Self.firstFailures,
      let reason = finished.last?.result?.note,
      finished.allSatisfy({ $0.result?.state == .failed })
    else { return }
    throw SearchError(
      "the first \(finished.count) trials failed, the last as \(reason)",
      hint: "try the model by itself: moec compile, then moec run --train; "
        + "then search anew with another --study")
  }

  private static let firstFailures = 5
}
