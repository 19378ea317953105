import Foundation
import ModelFixtures
import Synchronization

@testable import Search

/// A study in a folder of its own, whose trials are a formula.
struct Bench {
  let folder: String
  let space: SearchSpace
  var plan: StudyPlan
  var options = StudySearch.Options()
  let maker: Formula

  init(
    _ dimensions: [String] = ["experts=2..16", "chosen=1..4", "rate=1e-4..1e-2:log"],
    where conditions: [String] = ["chosen<=experts"],
    objectives: [StudyPlan.Objective] = [.loss], fails: Int? = nil
  ) throws {
    maker = Formula(fails: fails)
    folder = try ModelFixture.folder()
    space = try SearchSpace(
      dimensions.map { try Dimension(parsing: $0) },
      conditions.map { try Condition(parsing: $0) })
    plan = StudyPlan(
      model: "formula", source: "1", space: dimensions, conditions: conditions,
      objectives: objectives, training: [:], steps: 100, seed: 7, identifier: "x")
    options.budget = Budget(trials: 12)
    // One after the other, each with all that is known.
    options.ahead = 0
  }

  var path: String { folder + "/journal.jsonl" }
  func journal() throws -> StudyJournal { try StudyJournal(path) }

  /// Searches, and gives the study.
  @discardableResult
  func run(
    _ sampler: (any Sampler)? = nil, pruner: (any Pruner)? = nil,
    maker: (any TrialMaker)? = nil, listeners: StudySearch.Listeners = .init()
  ) throws -> Study {
    let journal = try journal()
    let worker = try StudyWorker(in: folder + "/workers")
    defer { worker.leave() }
    try StudySearch(
      journal, plan, space, sampler: sampler ?? RandomSampler(space, seed: plan.seed),
      pruner: pruner, maker: maker ?? self.maker, worker: worker, options, listeners
    ).run()
    return journal.study
  }
}

/// Trials without a model: losses fall to what the values say.
final class Formula: TrialMaker {
  let made = Mutex<[Int]>([])
  /// So many experts are none.
  let fails: Int?

  init(fails: Int?) { self.fails = fails }

  static func loss(_ values: TrialValues) -> Double {
    let experts = values["experts"]?.asNumber ?? 8
    let chosen = values["chosen"]?.asNumber ?? 2
    let rate = values["rate"]?.asNumber ?? 1e-3
    let far = (log10(rate) + 2.7) * 0.8
    return 2 + far * far + 0.01 * abs(experts - 9) + 0.05 * abs(chosen - 2)
  }

  func cost(of values: TrialValues) throws -> TrialCost {
    if let fails, values["experts"] == .whole(fails) {
      throw TrialFailure("\(fails) is no number of experts")
    }
    let experts = Int(values["experts"]?.asNumber ?? 8)
    let chosen = values["chosen"]?.asNumber ?? 2
    return TrialCost(
      parameters: 1000 * experts, activeParameters: 1000, flopsPerToken: 1000 * chosen,
      flopsPerStep: 1e6, bytes: 1_000_000 * experts)
  }

  func make(_ trial: Trial, report: (Trial.Report) throws -> Bool) throws -> MadeTrial {
    made.withLock { $0.append(trial.number) }
    let loss = Self.loss(trial.values)
    for step in stride(from: 0, through: 100, by: 20) {
      let now = loss + 2 * exp(-Double(step) / 25)
      guard try report(.init(step: step, loss: now)) else {
        return MadeTrial(isWhole: false, steps: step)
      }
    }
    return MadeTrial(isWhole: true, steps: 100)
  }
}

/// Trials of which some are ready late.
struct Sleepy: TrialMaker {
  private let formula = Formula(fails: nil)

  func cost(of values: TrialValues) throws -> TrialCost { try formula.cost(of: values) }

  func prepare(_ values: TrialValues) throws -> Double {
    usleep(useconds_t(1000 * ((values["experts"]?.asNumber ?? 0) - 2)))
    return 1
  }

  func make(_ trial: Trial, report: (Trial.Report) throws -> Bool) throws -> MadeTrial {
    try formula.make(trial, report: report)
  }
}

/// Python with Optuna, if it is here.
enum Python {
  static let path: String? = {
    let candidates = [ProcessInfo.processInfo.environment["MOEC_PYTHON"], "python3"]
    return candidates.compactMap(\.self).first { name in
      !name.isEmpty
        && (try? Command.run("/usr/bin/env", [name, "-c", "import optuna"]))?.status == 0
    }
  }()

  /// Whether there is any, with or without Optuna.
  static let isThere = (try? Command.run("/usr/bin/env", ["python3", "-c", ""]))?.status == 0

  static func has(_ module: String) -> Bool {
    guard let path else { return false }
    return (try? Command.run("/usr/bin/env", [path, "-c", "import \(module)"]))?.status == 0
  }
}
