import Driver
import Runner
import Search
import SystemFiles
import Tracking

/// What a search ends with.
extension SearchRun {
  func conclude(
    _ study: Study, _ engine: (sampler: any Sampler, pruner: (any Pruner)?, optuna: Optuna?),
    _ training: TrialTraining, _ tracking: SearchTracking, _ status: TrackingStatus
  ) throws {
    let table = StudyTable(study, space)
    try printTable(table.counts + "\n")
    // A search that was ended by a signal has a helper that may be gone.
    let shares = (try? importances(study, engine.optuna)) ?? [:]
    let commands = study.best.map { self.commands($0) } ?? ""
    if study.best != nil {
      try printTable(table.best())
      if !shares.isEmpty {
        try printTable("what matters: \(StudyTable.text(ofImportances: shares))\n")
      }
      try printNow(
        "train the best in full:\n" + commands.split(separator: "\n").map { "  \($0)\n" }.joined())
    }
    var page: String?
    if command.study.html != nil || tracking.isOn {
      page = try SearchPage(
        study, space, importances: shares, loads: loads(study, training), commands: commands
      ).html()
    }
    if let html = command.study.html, let page {
      try AtomicFile.write(page, to: html)
      tell("wrote \(html)")
    }
    tracking.finish(page, status)
  }

  /// Errors: trials were made, and none has what was searched for.
  func checkForResult(_ study: Study) throws {
    guard study.best == nil, let last = study.finished.last else { return }
    let note = last.result?.note.map { ", the last as \($0)" } ?? ""
    throw SearchError(
      "no trial was trained to its end\(note)",
      hint:
        "see the lines above; another --space, --where or --at-most is a study of its own: --study FOLDER"
    )
  }

  /// Optuna says what matters where it is here, whoever chose the values.
  private func importances(_ study: Study, _ optuna: Optuna?) throws -> [String: Double] {
    guard study.ranking.count > 3, space.dimensions.count > 1, let plan = study.plan else {
      return [:]
    }
    let helper = try optuna ?? self.optuna(plan, 0, isSampler: false)
    return try helper.importances(of: study, objectives: plan.objectives.count)
  }

  /// What compiles and trains a trial's model, as it is typed.
  private func commands(_ trial: Trial) -> String {
    let names = Set(graph.settings.map(\.name))
    let settings = command.chosen.words + TrialTraining.settings(trial.values, names)
    let library = CompileOutputs.usualLibrary(of: command.model)
    let compile = ["compile", command.model] + settings.flatMap { ["--set", $0] }
    var run = ["run", library, "--train"] + TrialTraining.options(trial.values, names)
    if let data = command.trial.data { run += ["--data", data] }
    if let config = command.trial.config { run += ["--config", config] }
    if command.trial.seed != nil, trial.values["seed"] == nil { run += ["--seed", "\(seed)"] }
    let moec = Invocation.moec()
    return [compile, run].map { words in
      ([moec] + words.map(ShellWord.quoted)).joined(separator: " ")
    }.joined(separator: "\n")
  }

  /// Loads of experts at the end of each trial, from its log.
  private func loads(_ study: Study, _ training: TrialTraining) -> [Int: SearchPage.Loads] {
    study.trials.reduce(into: [:]) { loads, trial in
      var log = LogReader(training.log(of: trial.number))
      guard let last = log.newLines().last(where: { $0.loads != nil })?.loads else { return }
      let names = trial.result?.cost?.routers ?? []
      loads[trial.number] = last.enumerated().map { index, shares in
        (names.indices.contains(index) ? names[index] : "router \(index)", shares)
      }
    }
  }
}
