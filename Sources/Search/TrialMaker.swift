/// What makes trials: for a search it is a model that is compiled and trained, and for tests whatever has
/// losses.
public protocol TrialMaker: Sendable {
  /// What a trial's model would be. Errors that are `TrialFailure` are the trial's own.
  func cost(of values: TrialValues) throws -> TrialCost

  /// Does what a trial needs before it is made, such as to compile its model, while another may be made;
  /// gives the seconds that took. Errors that are `TrialFailure` are the trial's own.
  func prepare(_ values: TrialValues) throws -> Double

  /// Makes a trial. `report` takes each validation loss and says whether to go on.
  func make(_ trial: Trial, report: (Trial.Report) throws -> Bool) throws -> MadeTrial
}

extension TrialMaker {
  public func prepare(_ values: TrialValues) throws -> Double { 0 }
}

/// How a trial went.
public struct MadeTrial: Sendable {
  /// Whether it was made to its end.
  public var isWhole: Bool
  /// Steps that were trained.
  public var steps: Int
  public var seconds = 0.0
  /// Bits for each character of the lowest loss, where tokens are not characters.
  public var bits: Double?

  public init(isWhole: Bool, steps: Int) {
    self.isWhole = isWhole
    self.steps = steps
  }
}

/// Why a trial has no result, though others may.
public struct TrialFailure: Error, Sendable {
  public var reason: String

  public init(_ reason: String) { self.reason = reason }
}
