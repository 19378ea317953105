/// What a study is about: trials of it can be compared, whoever makes them.
public struct StudyPlan: Codable, Hashable, Sendable {
  /// The model's name, and what tells its source from an earlier one.
  public var model: String
  public var source: String
  /// The parameters and their conditions, as they were written.
  public var space: [String]
  public var conditions: [String]
  public var objectives: [Objective]
  /// Options of training that all trials have.
  public var training: [String: String]
  /// By option, what tells the files that trials read from others of their names; journals of before have none.
  public var contents: [String: String]?
  /// Steps of each trial.
  public var steps: Int
  public var seed: UInt64
  /// By what trackers know the study.
  public var identifier: String

  /// What is to be as low as it can.
  public enum Objective: String, Codable, Sendable, CaseIterable {
    /// The lowest validation loss.
    case loss
    /// The same in bits for each character.
    case bits
    /// Operations of a forward pass for each token.
    case flops
    /// Memory of training.
    case bytes

    /// In a table.
    public var title: String {
      switch self {
      case .loss: "val loss"
      case .bits: "bits/char"
      case .flops: "flops/token"
      case .bytes: "bytes"
      }
    }

    /// Whether training finds it out.
    public var isLearned: Bool { self == .loss || self == .bits }
  }

  public init(
    model: String, source: String, space: [String], conditions: [String],
    objectives: [Objective], training: [String: String], contents: [String: String]? = nil,
    steps: Int, seed: UInt64, identifier: String
  ) {
    (self.model, self.source, self.space, self.conditions) = (model, source, space, conditions)
    (self.objectives, self.training, self.steps) = (objectives, training, steps)
    (self.seed, self.identifier, self.contents) = (seed, identifier, contents)
  }

  /// In what another plan differs, so that its trials cannot be compared; nil if it is the same.
  func difference(from other: StudyPlan) -> String? {
    func list(_ words: [String]) -> String { words.isEmpty ? "none" : words.joined(separator: " ") }
    if model != other.model { return "the model was \(other.model), and is \(model)" }
    if source != other.source { return "the model's source has changed" }
    if space != other.space { return "the space was \(list(other.space))" }
    if conditions != other.conditions {
      return "the conditions were \(list(other.conditions))"
    }
    if objectives != other.objectives {
      return "the objective was \(list(other.objectives.map(\.rawValue)))"
    }
    if steps != other.steps { return "a trial had \(other.steps) steps" }
    if seed != other.seed { return "the seed was \(other.seed)" }
    for name in Set(training.keys).union(other.training.keys).sorted()
    where training[name] != other.training[name] {
      return "--\(name) was \(other.training[name] ?? "not given")"
    }
    if let contents, let others = other.contents {
      for name in contents.keys.sorted() where others[name] != contents[name] {
        return "what --\(name) names has changed"
      }
    }
    return nil
  }
}

extension StudyPlan.Objective {
  func value(loss: Double, bits: Double?, _ cost: TrialCost) -> Double {
    switch self {
    case .loss: loss
    case .bits: bits ?? loss / 0.693_147_180_559_945_3
    case .flops: cost.flopsPerToken
    case .bytes: Double(cost.bytes)
    }
  }
}
