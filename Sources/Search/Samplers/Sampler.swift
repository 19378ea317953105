/// What chooses the values of trials.
public protocol Sampler: AnyObject, Sendable {
  /// Values for a trial, given all that is known; nil if there are no more. A function of the study, the
  /// number and the attempt, so that a search that was killed goes on as it would have.
  ///
  /// - Parameter attempt: how many suggestions for this trial were not taken, as they break a condition
  ///   or were tried before.
  func suggest(_ trial: Int, attempt: Int, for study: Study) throws -> TrialValues?

  /// The suggestion that was made last is a trial now, with values of the space.
  func take(_ trial: Int, _ values: TrialValues) throws

  /// What the sampler needs to remember of a trial that is over, in the journal; asked once of each.
  func attributes(of trial: Trial, _ result: TrialResult) throws -> [String: String]?
}

/// What ends trials that will not be good.
public protocol Pruner: AnyObject, Sendable {
  /// Whether a trial is to end, after its newest report.
  func prunes(_ trial: Trial, in study: Study) throws -> Bool
}

extension Sampler {
  public func take(_ trial: Int, _ values: TrialValues) throws {}
  public func attributes(of trial: Trial, _ result: TrialResult) throws -> [String: String]? { nil }
}
