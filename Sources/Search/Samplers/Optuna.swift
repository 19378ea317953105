import CSearch
import Foundation
import JSON
import Toolchain

/// Optuna in a process of its own, for as long as a search goes on: a sampler, a pruner, and what matters.
///
/// Its study is a copy of the journal's: trials that it does not know yet, of other processes or of earlier
/// ones, are told before it is asked.
public final class Optuna: Sampler, Pruner, @unchecked Sendable {
  /// What it is to be.
  public struct Options: Sendable {
    /// `tpe`, `random`, `cma` or `gp`; nil where another sampler chooses, and Optuna only prunes.
    public var sampler: String?
    /// `median` or `hyperband`; nil: no trial ends early.
    public var pruner: String?
    /// Trials that are drawn at random before a sampler has something to learn from.
    public var startup = 10
    /// Steps in which no trial is ended, those between evaluations, and those of a trial.
    public var warmup = 0
    public var interval = 1
    public var steps = 1
    public var python = "python3"
    /// Seconds that an answer may take.
    public var patience = 600.0
    /// Asked while an answer is waited for: whether to wait no longer.
    public var isInterrupted: @Sendable () -> Bool = { false }

    public init() {}
  }

  private let options: Options
  private let space: SearchSpace
  private let seed: UInt64
  private let helper: Companion
  private let lock = NSLock()
  // Guarded by the lock.
  private var known: Set<Int> = []
  private var told: Set<Int> = []
  private var isOfferOpen = false

  /// Errors: no Python, no Optuna, or nothing of what a sampler of it needs.
  public init(
    _ space: SearchSpace, objectives: Int, seed: UInt64, _ options: Options
  ) throws {
    (self.space, self.seed, self.options) = (space, seed, options)
    do throws(ToolchainError) {
      helper = try Companion(options.python, ["-c", String(cString: optuna_helper_py())])
    } catch {
      throw Self.missing("\(options.python) cannot be started", options)
    }
    // A helper that is gone is an error of the next question.
    signal(SIGPIPE, SIG_IGN)
    _ = try ask([
      "do": .text("open"), "sampler": .text(options.sampler ?? "random"), "seed": .count(0),
      "pruner": .text(options.pruner ?? "none"), "startup": .count(options.startup),
      "warmup": .count(options.warmup), "interval": .count(options.interval),
      "steps": .count(options.steps), "objectives": .count(objectives),
      "space": .array(space.dimensions.map(Self.json)),
    ])
  }

  private static func missing(
    _ what: String, _ options: Options, install: String = "install"
  ) -> SearchError {
    let packages =
      options.sampler == "cma"
      ? "optuna cmaes" : options.sampler == "gp" ? "optuna scipy torch" : "optuna"
    let wanted = options.sampler.map { "the sampler \($0)" } ?? "the pruner"
    return SearchError(
      "\(wanted) is Optuna's, which is not here: \(what)",
      hint: "install it: \(options.python) -m pip \(install) \(packages); or search without it: "
        + "--sampler random or grid, --prune median")
  }

  /// A question and its answer. Errors: the helper is gone, or refuses.
  private func ask(_ question: KeyValuePairs<String, JSON?>) throws -> JSON {
    guard helper.write(JSON.members(question).line), let line = try line() else {
      throw SearchError(
        "Optuna's process ended by itself", hint: "see what it printed, and start the search again")
    }
    guard let reply = try? JSON.parse(Array(line.utf8)) else {
      throw SearchError("Optuna's process says \(line.prefix(200))", hint: "see what it printed")
    }
    if let what = reply["missing"]?.name { throw Self.missing(what, options) }
    if let what = reply["old"]?.name {
      throw Self.missing(what, options, install: "install --upgrade")
    }
    if let error = reply["error"]?.name {
      throw SearchError("Optuna: \(error)", hint: "another --sampler or --prune may do")
    }
    return reply
  }

  /// What the helper says next; nil if it is gone. Errors: it says nothing.
  private func line() throws -> String? {
    let end = ContinuousClock.now + .seconds(options.patience)
    while true {
      switch helper.read(seconds: 0.1) {
      case .line(let line): return line
      case .end: return nil
      case .nothing: break
      }
      if options.isInterrupted() {
        throw SearchError("Optuna was not waited for", hint: "the same command goes on")
      }
      guard ContinuousClock.now < end else {
        throw SearchError(
          "\(options.python) has said nothing for \(Int(options.patience)) seconds",
          hint: "see whether \(options.python) -c 'import optuna' ends; --python names another")
      }
    }
  }

  // MARK: - Sampling

  public func suggest(_ trial: Int, attempt: Int, for study: Study) throws -> TrialValues? {
    try lock.withLock {
      if isOfferOpen { _ = try ask(["do": .text("reject")]) }
      isOfferOpen = false
      try tell(study)
      var numbers = MixedNumbers(seed, UInt64(trial), UInt64(attempt))
      let reply = try ask([
        "do": .text("suggest"), "seed": .count(Int(numbers.nextWord() >> 33)),
      ])
      isOfferOpen = true
      return space.fitted(Self.values(reply["values"]))
    }
  }

  /// Tells of trials that are not known. The last that was suggested, if it was taken, is known as such.
  private func tell(_ study: Study) throws {
    for trial in study.trials where !told.contains(trial.number) {
      if !known.contains(trial.number) {
        try add(trial)
      } else if let result = trial.result {
        _ = try tell(trial, result)
      }
    }
  }

  private func tell(_ trial: Trial, _ result: TrialResult) throws -> JSON {
    told.insert(trial.number)
    return try ask([
      "do": .text("tell"), "trial": .count(trial.number), "state": .text(result.state.rawValue),
      "results": .array(result.values.map(Self.number)),
    ])
  }

  private func add(_ trial: Trial) throws {
    known.insert(trial.number)
    let result = trial.result
    if result != nil { told.insert(trial.number) }
    _ = try ask([
      "do": .text("add"), "trial": .count(trial.number), "values": json(trial.values),
      "state": result.map { .text($0.state.rawValue) },
      "results": result.map { .array($0.values.map(Self.number)) },
      "reports": .array(
        trial.reports.map { .array([.count($0.step), Self.number($0.loss)]) }),
      "attributes": result?.attributes?["optuna"].map(JSON.text),
    ])
  }

  /// The suggestion that was made last is a trial now.
  public func take(_ trial: Int, _ values: TrialValues) throws {
    try lock.withLock {
      guard isOfferOpen else { return }
      isOfferOpen = false
      known.insert(trial)
      _ = try ask(["do": .text("take"), "trial": .count(trial), "values": json(values)])
    }
  }

  public func attributes(of trial: Trial, _ result: TrialResult) throws -> [String: String]? {
    try lock.withLock {
      if !known.contains(trial.number) {
        var begun = trial
        begun.result = nil
        try add(begun)
      }
      let reply = try tell(trial, result)
      return reply["attributes"]?.name.map { ["optuna": $0] }
    }
  }

  // MARK: - Pruning

  public func prunes(_ trial: Trial, in study: Study) throws -> Bool {
    guard options.pruner != nil, let report = trial.reports.last else { return false }
    return try lock.withLock {
      if !known.contains(trial.number) {
        var begun = trial
        begun.reports.removeLast()
        try add(begun)
      }
      let reply = try ask([
        "do": .text("report"), "trial": .count(trial.number), "step": .count(report.step),
        "loss": Self.number(report.loss),
      ])
      return reply["prunes"]?.bool == true && report.step > options.warmup
    }
  }

  // MARK: - What matters

  /// The share of each parameter in what made trials differ in their first objective; empty where that
  /// cannot be said yet.
  public func importances(of study: Study, objectives: Int) throws -> [String: Double] {
    try lock.withLock {
      if isOfferOpen { _ = try ask(["do": .text("reject")]) }
      isOfferOpen = false
      try tell(study)
      let reply = try ask(["do": .text("importances"), "objectives": .count(objectives)])
      return Self.values(reply["importances"]).compactMapValues(\.asNumber)
    }
  }
}

// MARK: - JSON

extension Optuna {
  private static func number(_ number: Double) -> JSON { .numeral("\(number)") }

  private static func json(_ value: TrialValue) -> JSON {
    switch value {
    case .whole, .number: .numeral("\(value)")
    case .word(let word): .text(word)
    }
  }

  private func json(_ values: TrialValues) -> JSON {
    .object(
      space.dimensions.compactMap { dimension in
        values[dimension.name].map {
          JSON.Member(key: Array(dimension.name.utf8), value: Self.json($0))
        }
      })
  }

  private static func json(_ dimension: Dimension) -> JSON {
    switch dimension.values {
    case .choices(let choices):
      .members([
        "name": .text(dimension.name), "kind": .text("choices"),
        "choices": .array(choices.map(json)),
      ])
    case .whole(let range, let step, let isLogarithmic):
      .members([
        "name": .text(dimension.name), "kind": .text("whole"), "low": .count(range.lowerBound),
        "high": .count(range.upperBound), "step": .count(step), "log": .bool(isLogarithmic),
      ])
    case .number(let range, let step, let isLogarithmic):
      .members([
        "name": .text(dimension.name), "kind": .text("number"), "low": number(range.lowerBound),
        "high": number(range.upperBound), "step": step.map(number), "log": .bool(isLogarithmic),
      ])
    }
  }

  private static func values(_ json: JSON?) -> TrialValues {
    guard case .object(let members)? = json else { return [:] }
    return members.reduce(into: [:]) { values, member in
      switch member.value {
      case .number(let digits):
        values[member.name] = TrialValue(String(decoding: digits, as: UTF8.self))
      case .string(let word): values[member.name] = .word(String(decoding: word, as: UTF8.self))
      case .bool, .array, .object, .null: break
      }
    }
  }
}
