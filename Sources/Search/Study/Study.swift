/// A trial as its study knows it.
public struct Trial: Equatable, Sendable {
  public var number: Int
  public var values: TrialValues
  /// Who makes it, or made it.
  public var worker: String
  /// Seconds since 1970.
  public var began: Double
  public var reports: [Report] = []
  /// Nil while it goes on.
  public var result: TrialResult?

  /// The validation loss before a step.
  public struct Report: Equatable, Sendable {
    public var step: Int
    public var loss: Double

    public init(step: Int, loss: Double) {
      self.step = step
      self.loss = loss
    }
  }

  public var isComplete: Bool { result?.state == .complete }

  /// Its first objective, if it is complete.
  public var value: Double? { isComplete ? result?.values.first : nil }
}

/// All trials of a study, as the records of its journal tell of them.
public struct Study: Equatable, Sendable {
  public private(set) var plan: StudyPlan?
  /// By number, from 0 without gaps.
  public private(set) var trials: [Trial] = []

  public init() {}

  /// Takes a record in. What a worker says of a trial that is over, or another's by now, counts for
  /// nothing.
  public mutating func apply(_ record: StudyRecord) {
    switch record {
    case .study(let plan):
      // Until a trial has begun there is nothing that another plan would make incomparable.
      if trials.isEmpty { self.plan = plan }
    case .begin(let number, let values, let worker, let time):
      guard number == trials.count else { return }
      trials.append(Trial(number: number, values: values, worker: worker, began: time))
    case .take(let number, let worker, let time):
      guard isOpen(number) else { return }
      (trials[number].worker, trials[number].began) = (worker, time)
      trials[number].reports = []
    case .report(let number, let worker, let step, let loss):
      guard isOpen(number), trials[number].worker == worker else { return }
      trials[number].reports.append(.init(step: step, loss: loss))
    case .end(let number, let worker, let result):
      guard isOpen(number), trials[number].worker == worker else { return }
      trials[number].result = result
    }
  }

  private func isOpen(_ number: Int) -> Bool {
    trials.indices.contains(number) && trials[number].result == nil
  }
}

extension Study {
  public var finished: [Trial] { trials.filter { $0.result != nil } }

  /// Complete ones, those with the lowest first objective first, and of equals the earlier ones.
  public var ranking: [Trial] {
    let complete = trials.filter { $0.value != nil }
    return complete.sorted { ($0.value ?? 0, $0.number) < ($1.value ?? 0, $1.number) }
  }

  public var best: Trial? { ranking.first }

  /// Complete trials that no other one beats in every objective, by rising first objective. Of several
  /// with the same values the first.
  public var front: [Trial] {
    var front: [Trial] = []
    for trial in ranking {
      guard let values = trial.result?.values else { continue }
      let isBeaten = ranking.contains { other in
        guard let others = other.result?.values, other.number != trial.number else { return false }
        let isNoWorse = zip(others, values).allSatisfy { $0 <= $1 }
        return isNoWorse && (others != values || other.number < trial.number)
      }
      if !isBeaten { front.append(trial) }
    }
    return front
  }

  /// A trial with these values that is complete, or else one that goes on.
  func same(as values: TrialValues) -> Trial? {
    let same = trials.filter { $0.values == values }
    return same.first(where: \.isComplete) ?? same.first { $0.result == nil }
  }

  /// Operations of all training so far.
  public var flops: Double {
    trials.reduce(0) { sum, trial in
      let result = trial.result
      return sum + (result?.cost?.flopsPerStep ?? 0)
        * Double(result?.copied == nil ? result?.steps ?? 0 : 0)
    }
  }
}
