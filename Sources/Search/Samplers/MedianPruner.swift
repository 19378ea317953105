/// Ends a trial whose lowest loss so far is above the median of what others had reached by that step.
public final class MedianPruner: Pruner {
  /// Trials that are to be over before any is ended, and steps of a trial before it is.
  public static let firstTrials = 5
  private let warmup: Int

  public init(warmup: Int) { self.warmup = warmup }

  public func prunes(_ trial: Trial, in study: Study) -> Bool {
    guard let step = trial.reports.last?.step, step > warmup else { return false }
    let others = study.trials.filter { $0.number != trial.number && $0.isComplete }
    guard others.count >= Self.firstTrials else { return false }
    let reached = others.compactMap { Self.lowest($0, by: step) }.sorted()
    guard let own = Self.lowest(trial, by: step), !reached.isEmpty else { return false }
    let middle = reached.count / 2
    let median =
      reached.count % 2 == 1 ? reached[middle] : (reached[middle - 1] + reached[middle]) / 2
    return own > median
  }

  private static func lowest(_ trial: Trial, by step: Int) -> Double? {
    trial.reports.filter { $0.step <= step }.map(\.loss).min()
  }
}
