import Foundation
import Words

/// What became of a study's trials, for a terminal.
public struct StudyTable {
  private let study: Study
  private let space: SearchSpace

  public init(_ study: Study, _ space: SearchSpace) {
    self.study = study
    self.space = space
  }

  private var objectives: [StudyPlan.Objective] { study.plan?.objectives ?? [.loss] }

  /// The best of all, or the whole front where there are two objectives, a line each.
  public func best(_ count: Int = 10) -> String {
    let trials = objectives.count > 1 ? study.front : Array(study.ranking.prefix(count))
    return Columns.text([head] + trials.map(row)) + "\n"
  }

  private var head: [String] {
    let names = space.dimensions.map(\.name)
    let learned = objectives.map(\.title)
    let others = costs.map(\.title)
    return ["trial"] + learned + ["at step"] + names + others + ["seconds"]
  }

  /// What is no objective and is to be known all the same.
  private var costs: [StudyPlan.Objective] {
    [.flops, .bytes].filter { !objectives.contains($0) }
  }

  private func row(_ trial: Trial) -> [String] {
    let result = trial.result
    let results = zip(objectives, result?.values ?? []).map { Self.text($1, $0) }
    let values = space.dimensions.map { trial.values[$0.name].map(\.description) ?? "-" }
    let others = costs.map { objective in
      result?.cost.map { Self.text(objective.value(loss: 0, bits: nil, $0), objective) } ?? "-"
    }
    let seconds = result?.copied.map { "as \($0)" } ?? String(format: "%.1f", result?.seconds ?? 0)
    return ["\(trial.number)"] + results + [result?.lossStep?.grouped ?? "-"] + values + others
      + [seconds]
  }

  static func text(_ value: Double, _ objective: StudyPlan.Objective) -> String {
    switch objective {
    case .loss, .bits: String(format: "%.4f", value)
    case .flops: magnitude(value)
    case .bytes: magnitude(value) + "B"
    }
  }

  /// `1.23 M`: three digits and the word for thousands.
  static func magnitude(_ value: Double) -> String {
    for (limit, word) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")] where value >= limit {
      return String(format: "%.3g %@", value / limit, word)
    }
    return String(format: "%.3g", value)
  }

  /// `30 trials: 17 complete, 11 pruned, 2 refused; 41 % of all steps were saved`.
  public var counts: String {
    let finished = study.finished
    let states: [(TrialResult.State, String)] = [
      (.complete, "complete"), (.pruned, "pruned"), (.refused, "refused"), (.failed, "failed"),
    ]
    var parts = states.compactMap { state, word in
      let count = finished.count { $0.result?.state == state && $0.result?.copied == nil }
      return count > 0 ? "\(count) \(word)" : nil
    }
    let copies = finished.count { $0.result?.copied != nil }
    if copies > 0 { parts.append("\(copies) as an earlier one") }
    let open = study.trials.count - finished.count
    if open > 0 { parts.append("\(open) not over") }
    let count = study.trials.count.of("trial")
    let all = parts.isEmpty ? count : "\(count): \(parts.joined(separator: ", "))"
    guard let share = savedShare, share > 0 else { return all }
    return all + "; pruning saved \(Int((100 * share).rounded())) % of the steps"
  }

  /// The share of steps that pruned trials were spared, of those of all trials that trained.
  public var savedShare: Double? {
    let trained = study.finished.compactMap(\.result).filter {
      $0.copied == nil && ($0.state == .complete || $0.state == .pruned)
    }
    guard let steps = study.plan?.steps, !trained.isEmpty else { return nil }
    let made = trained.reduce(0) { $0 + $1.steps }
    return 1 - Double(made) / Double(steps * trained.count)
  }

  /// A line for a trial that is over.
  public func line(_ trial: Trial) -> String {
    let values = space.text(of: trial.values)
    guard let result = trial.result else { return "trial \(trial.number)  \(values)" }
    let start = "trial \(trial.number)".padded(to: 11)
    let time = String(format: " (%.1f s)", result.seconds + result.preparation)
    switch result.state {
    case .complete:
      let results = zip(objectives, result.values).map { "\($0.title) \(Self.text($1, $0))" }
      let copied = result.copied.map { ", as trial \($0)" } ?? time
      return "\(start)\(results.joined(separator: ", "))  \(values)\(copied)"
    case .pruned:
      let loss = result.loss.map { String(format: " at %.4f", $0) } ?? ""
      return "\(start)pruned after \(result.steps.of("step"))\(loss)  \(values)\(time)"
    case .refused, .failed:
      return "\(start)\(result.state.rawValue)  \(values): \(result.note ?? "")"
    }
  }

  /// What matters: `learning-rate 71 %, experts 22 %`.
  public static func text(ofImportances shares: [String: Double]) -> String {
    ordered(shares).map { "\($0.name) \(Int((100 * $0.share).rounded())) %" }
      .joined(separator: ", ")
  }

  static func ordered(_ shares: [String: Double]) -> [(name: String, share: Double)] {
    shares.map { (name: $0.key, share: $0.value) }.sorted {
      ($1.share, $0.name) < ($0.share, $1.name)
    }
  }
}
