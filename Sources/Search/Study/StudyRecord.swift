/// A line of a study's journal.
public enum StudyRecord: Codable, Equatable, Sendable {
  /// The first line: what the study is about.
  case study(plan: StudyPlan)
  /// A worker begins a trial.
  case begin(trial: Int, values: TrialValues, worker: String, time: Double)
  /// Another worker goes on with a trial whose worker is gone: it begins anew.
  case take(trial: Int, worker: String, time: Double)
  /// The validation loss before a step.
  case report(trial: Int, worker: String, step: Int, loss: Double)
  /// A trial is over.
  case end(trial: Int, worker: String, result: TrialResult)
}

/// What a trial came to.
public struct TrialResult: Codable, Equatable, Sendable {
  public var state: State
  /// One for each objective, if the trial is complete.
  public var values: [Double] = []
  /// The lowest validation loss and its step.
  public var loss: Double?
  public var lossStep: Int?
  /// The same in bits for each character.
  public var bits: Double?
  /// Steps that were trained, and what they took.
  public var steps = 0
  public var seconds = 0.0
  /// What was needed to have the library.
  public var preparation = 0.0
  public var cost: TrialCost?
  /// Why it has no values.
  public var note: String?
  /// The trial with the same values whose result this is.
  public var copied: Int?
  /// What the sampler needs to remember of it.
  public var attributes: [String: String]?

  public enum State: String, Codable, Sendable {
    case complete
    /// Ended before its last step, as others were better by then.
    case pruned
    /// Too large to be trained.
    case refused
    /// The model is none with these values, or training failed.
    case failed
  }

  public init(_ state: State) { self.state = state }
}

/// What a trial's model is, before anything is trained.
public struct TrialCost: Codable, Equatable, Sendable {
  public var parameters: Int
  public var activeParameters: Int
  /// Of a forward pass, for each token.
  public var flopsPerToken: Double
  /// Of a training step.
  public var flopsPerStep: Double
  /// Memory of training.
  public var bytes: Int
  /// Names of what chooses experts, in the order of a log's loads; journals of before have none.
  public var routers: [String]?

  public init(
    parameters: Int, activeParameters: Int, flopsPerToken: Double, flopsPerStep: Double, bytes: Int,
    routers: [String]? = nil
  ) {
    (self.parameters, self.activeParameters) = (parameters, activeParameters)
    (self.flopsPerToken, self.flopsPerStep, self.bytes) = (flopsPerToken, flopsPerStep, bytes)
    self.routers = routers
  }
}
