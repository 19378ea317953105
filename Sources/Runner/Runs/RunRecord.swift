import Exchange
import Foundation
import ModelRuntime
import SystemFiles

/// What a checkpoint notes of its run, beside the model's numbers, so that it can go on as if it
/// had never stopped.
public struct RunRecord: Equatable, Sendable, Codable {
  public var settings: TrainingSettings
  /// The optimizer's numbers, which a library compiled anew may have changed.
  public var defaults: Manifest.Defaults
  /// The text's path and fingerprint.
  public var data: String
  public var fingerprint: String
  /// How conversations were read, if the data is such.
  var conversations: ConversationOptions?
  public var progress = TrainingProgress()
  /// What experts were given since the last evaluation, if the model routes.
  var experts: ExpertWatch?
  /// Norms of the gradients since the last evaluation, where they are known.
  var gradientNorms: GradientNorms?
  /// The objective's terms since the last evaluation, if the model has any.
  var termSums: TermSums?
  /// What the newest evaluation's line in the log has besides, as the log is written after the
  /// checkpoint.
  var balance: ExpertBalance?
  var gradientNorm: Double?
  var terms: [TermMean]?
  /// What trackers need to go on, by their names.
  public var trackers: [String: String] = [:]

  public init(
    settings: TrainingSettings, defaults: Manifest.Defaults, data: String, fingerprint: String
  ) {
    self.settings = settings
    self.defaults = defaults
    self.data = data
    self.fingerprint = fingerprint
  }

  /// What a run on some data begins with.
  init(settings: TrainingSettings, defaults: Manifest.Defaults, _ data: any LearningData) {
    self.init(
      settings: settings, defaults: defaults, data: data.path, fingerprint: data.fingerprint)
    conversations = (data as? Conversations)?.options
  }

  /// As one line of JSON; the same record gives the same text.
  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // All numbers in a record are finite, so this cannot fail; an empty text is read as a bad one.
    guard let data = try? encoder.encode(self) else { return "" }
    return String(decoding: data, as: UTF8.self)
  }

  /// The record of a checkpoint; nil if it has none.
  static func of(_ notes: CheckpointNotes, path: String) throws(SafetensorsError) -> RunRecord? {
    guard let text = notes.run else { return nil }
    guard MarkRuns.excessive(in: text.utf8) == nil,
      let record = try? JSONDecoder().decode(RunRecord.self, from: Data(text.utf8))
    else {
      throw .unfit(path: path, [.badNote(key: "run", reason: "cannot be read")])
    }
    return record
  }
}

/// What evaluations have shown so far.
public struct TrainingProgress: Equatable, Sendable, Codable {
  /// The newest evaluation.
  public var last: Evaluation?
  /// The one with the lowest validation loss.
  public var best: Evaluation?
  /// Evaluations in a row that were not better than the best.
  public var withoutImprovement = 0

  /// Takes an evaluation in; whether it is the best so far.
  mutating func add(_ evaluation: Evaluation) -> Bool {
    last = evaluation
    let isBest = best.map { evaluation.validationLoss < $0.validationLoss } ?? true
    if isBest { best = evaluation }
    withoutImprovement = isBest ? 0 : withoutImprovement + 1
    return isBest
  }
}

/// Why and where a training run ended.
public enum TrainingOutcome: Equatable, Sendable {
  /// All steps are done.
  case finished(step: Int)
  /// The validation loss did not get lower for as many evaluations as `patience` says.
  case outOfPatience(step: Int, best: Evaluation)
  /// It was asked to stop.
  case interrupted(step: Int)

  /// Training steps that the model has seen.
  public var step: Int {
    switch self {
    case .finished(let step), .outOfPatience(let step, _), .interrupted(let step): return step
    }
  }
}
