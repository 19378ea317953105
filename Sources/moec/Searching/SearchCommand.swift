import ArgumentParser
import Driver
import Foundation
import Runner
import Search
import SystemFiles

/// `moec search MODEL.swift --space …`.
struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "Tries settings of a model and of its training, and says which are the best.",
    discussion: """
      Each trial compiles the model with values of its own and trains it. Trials that differ only in \
      how they are trained share one library. What is known is kept in the study's folder: the same \
      command goes on with it, however it ended, and so do other machines that share the folder.

      EXAMPLES
        moec search model.swift --space experts=2..16 --space chosen=1..4
        moec search model.swift --space space.json --where "chosen<=experts"
        moec search model.swift --space learning-rate=1e-4..1e-2:log --html s.html
        moec search model.swift --space width=32,64 --objective loss,flops
        moec search model.swift --space space.json --prune median --minutes 60
      """)

  enum SamplerName: String, ExpressibleByArgument, CaseIterable {
    case tpe, random, grid, cma, gp
  }

  enum PrunerName: String, ExpressibleByArgument, CaseIterable {
    case none, median, hyperband
  }

  @ArgumentParser.Argument(
    help: "The model, a Swift file that imports MoE, or a folder with model.swift and helpers.",
    completion: .model)
  var model: String

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      """
      A setting of the model or an option of moec run --train, and what to try: 2,4,8, 1..16 or \
      1e-4..1e-2:log; or a JSON file of such. May be given again.
      """, valueName: "name=values"))
  var space: [String] = []

  @Option(
    name: .customLong("where"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "What values must be to one another: 'chosen<=experts'. May be given again.",
      valueName: "condition"))
  var conditions: [String] = []

  @OptionGroup var chosen: SettingOptions

  @Option(
    help: ArgumentHelp(
      "What is to be low: loss, bits (per character), flops (for a token), bytes; or two of them.",
      valueName: "name[,name]"))
  var objective = "loss"

  @Option(help: "How values are chosen; tpe, cma and gp are Optuna's: tpe, random, grid, cma, gp.")
  var sampler = SamplerName.tpe

  @Option(help: "How trials end early; hyperband is Optuna's: none, median, hyperband.")
  var prune = PrunerName.none

  @OptionGroup(title: "Budget") var budget: BudgetOptions

  @OptionGroup(title: "Trials") var trial: TrialOptions

  @OptionGroup(title: "The study") var study: StudyOptions

  @Flag(name: .shortAndLong, help: "Print nothing but the result and errors.")
  var quiet = false

  func validate() throws {
    try budget.check()
    try trial.check()
    _ = try objectives()
    if prune != .none, try objectives().count > 1 {
      throw ValidationError("--prune compares one loss, and --objective has two: leave one out")
    }
    if sampler == .cma, try objectives().count > 1 {
      throw ValidationError("--sampler cma knows one objective: take tpe, gp, random or grid")
    }
    try study.check()
    guard (1...256).contains(study.workers) else {
      throw ValidationError("--workers must be from 1 to 256, not \(study.workers)")
    }
  }

  /// The Python that is asked for Optuna unless `--python` names one.
  static var usualPython: String {
    let variable = ProcessInfo.processInfo.environment["MOEC_PYTHON"] ?? ""
    return variable.isEmpty ? "python3" : variable
  }

  func objectives() throws -> [StudyPlan.Objective] {
    let words = objective.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let objectives = words.compactMap(StudyPlan.Objective.init)
    guard objectives.count == words.count, (1...2).contains(words.count),
      Set(words).count == words.count, objectives[0].isLearned
    else {
      throw ValidationError(
        "--objective is loss or bits, or one of them and flops or bytes, not '\(objective)'")
    }
    return objectives
  }

  func run() throws {
    try reportingErrors {
      do {
        try SearchRun(self).run()
      } catch let error as ValidationError {
        throw CompilationError(message: error.message, hint: "see moec search --help")
      }
    }
  }
}
