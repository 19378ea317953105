/// When a search begins no more trials; whatever is reached first.
public struct Budget: Sendable {
  /// Trials of the study in all.
  public var trials: Int?
  /// Seconds of this search.
  public var seconds: Double?
  /// Operations of all training of the study.
  public var flops: Double?

  public init(trials: Int? = nil, seconds: Double? = nil, flops: Double? = nil) {
    (self.trials, self.seconds, self.flops) = (trials, seconds, flops)
  }

  /// Whether another trial may begin.
  func allows(_ study: Study, after elapsed: Double) -> Bool {
    if let trials, study.trials.count >= trials { return false }
    if let seconds, elapsed >= seconds { return false }
    if let flops, study.flops >= flops { return false }
    return true
  }
}
