import ArgumentParser
import Driver
import Foundation
import GraphIR
import JSON
import ModelRuntime
import Runner
import Search
import SystemFiles
import Toolchain
import Tracking

/// What `moec search` does: a study opened, trials made, and what became of them.
struct SearchRun {
  let command: SearchCommand
  let compilation: Compilation
  let graph: Graph
  let space: SearchSpace
  private let constants: TrialValues
  private let folder: String
  private let files: TrialFiles
  let seed: UInt64

  /// Errors: the model is none, the space does not fit it, or what is to be written may not be.
  init(_ command: SearchCommand) throws {
    self.command = command
    try Self.checkFiles(command)
    var compilation = Compilation.onTerminal(command.model)
    compilation.settings = command.chosen.words
    let usual = try Self.training(command)
    files = try TrialFiles(model: command.model, training: usual)
    graph = try compilation.trace().graph
    // What each trial's model has to say is not worth saying each time.
    compilation.write = { _ in }
    let promise = StopPromise()
    compilation.supervise = { _, limit in
      Supervision(limit: limit) { seconds in
        if seconds != nil { promise.tellIfInterrupted() }
      }
    }
    self.compilation = compilation
    let fixed = Set(command.chosen.words.map { String($0.prefix { $0 != "=" }) })
    let reader = SpaceReader(settings: graph.settings, fixed: fixed)
    space = try reader.space(command.space, command.conditions)
    constants = reader.constants(space)
    folder = command.study.study ?? "\(RunFolder.root)/\(graph.name)-search"
    seed = command.trial.seed ?? usual.seed ?? RandomStream.usualSeed
    guard let data = usual.data ?? Corpus.usual else {
      throw CorpusError.noneGiven(usual: Corpus.usualPath)
    }
    guard access(data, R_OK) == 0 else {
      throw FileError(operation: "read", path: data, code: errno)
    }
    try SearchTracking.check(command.study)
  }

  /// What all trials' training is told. Errors: --config holds no settings of training.
  private static func training(_ command: SearchCommand) throws -> RunCommand {
    var words = ["lib.so", "--train", "--quiet"]
    if let data = command.trial.data { words += ["--data", data] }
    if let config = command.trial.config { words += ["--config", config] }
    return try RunCommand.parse(words).configured()
  }

  /// Errors: the page would replace what is read, or something that is none, or cannot be written.
  private static func checkFiles(_ command: SearchCommand) throws {
    var claims = FileClaims()
    claims.read(command.model, "the model")
    claims.read(command.trial.data, "--data")
    claims.read(command.trial.config, "--config")
    for space in command.space where !space.contains("=") { claims.read(space, "--space") }
    claims.write(command.study.html, "--html", over: .page)
    try claims.check()
    if let html = command.study.html { try AtomicFile.check(html) }
  }

  func run() throws {
    // What is missing here is said before there is anything to go on with.
    let engine = try engine(try plan(nil))
    let trials = folder + "/trials"
    guard NewFolder.make(trials) == 0 else {
      throw FileError(operation: "make", path: trials, code: errno)
    }
    let journal = try StudyJournal(folder + "/journal.jsonl")
    let plan = try plan(journal.study.plan?.identifier)
    try journal.begin(plan)
    let worker = try StudyWorker(in: folder + "/workers")
    defer { worker.leave() }
    Interruption.watch()
    let tracking = try SearchTracking(command.study, plan, resumed: !journal.study.trials.isEmpty)
    let models = try TrialModels(compilation, files)
    defer { models.remove() }
    let training = self.training(models, trials, tracking)
    let search = try StudySearch(
      journal, plan, space, sampler: engine.sampler, pruner: engine.pruner, maker: training,
      worker: worker, options, listeners(plan, tracking))
    tell("the study is in \(onOneLine(folder)): \(journal.study.trials.count) trials so far")
    var failure: (any Error)?
    do { try search.run() } catch { failure = error }
    let status: TrackingStatus =
      Interruption.signal != nil ? .killed : failure != nil ? .failed : .finished
    try conclude(journal.study, engine, training, tracking, status)
    if let signal = Interruption.signal {
      tell("stopped; the same command goes on")
      throw ExitCode(128 + signal)
    }
    if let failure { throw failure }
    try checkForResult(journal.study)
  }

  // MARK: - Parts

  private var options: StudySearch.Options {
    var options = StudySearch.Options()
    let budget = command.budget
    let isOpen = budget.minutes == nil && budget.flops == nil
    options.budget = Budget(
      trials: budget.trials ?? (isOpen ? 20 : nil), seconds: budget.minutes.map { 60 * $0 },
      flops: budget.flops)
    options.workers = command.study.workers
    options.most = (try? budget.bytes()) ?? nil
    options.fixed = constants
    return options
  }

  private func plan(_ identifier: String?) throws -> StudyPlan {
    var training = [
      "eval-interval": "\(command.trial.interval)", "eval-batches": "\(command.trial.evalBatches)",
    ]
    training["data"] = command.trial.data
    if let config = command.trial.config {
      training["config"] = String(decoding: try WholeFile.bytes(of: config), as: UTF8.self)
    }
    if !command.chosen.words.isEmpty {
      training["set"] = command.chosen.words.sorted().joined(separator: " ")
    }
    return StudyPlan(
      model: graph.name,
      source: files.source,
      space: space.dimensions.map(\.text), conditions: space.conditions.map(\.text),
      objectives: try command.objectives(), training: training, contents: files.contents,
      steps: command.trial.steps, seed: seed,
      identifier: identifier ?? UUID().uuidString.lowercased())
  }

  /// Who chooses values, who ends trials, and Optuna where it is one of them.
  private func engine(_ plan: StudyPlan) throws
    -> (sampler: any Sampler, pruner: (any Pruner)?, optuna: Optuna?)
  {
    let warmup = max(command.trial.interval, plan.steps / 10)
    let median = MedianPruner(warmup: warmup)
    let usesOptuna = ![.random, .grid].contains(command.sampler)
    let optuna: Optuna? =
      try usesOptuna || command.prune == .hyperband
      ? optuna(plan, warmup, isSampler: usesOptuna) : nil
    let pruner: (any Pruner)?
    switch command.prune {
    case .none: pruner = nil
    case .median: pruner = optuna ?? median
    case .hyperband: pruner = optuna
    }
    switch command.sampler {
    case .random: return (RandomSampler(space, seed: seed), pruner, optuna)
    case .grid: return (try GridSampler(space, fixed: constants, seed: seed), pruner, optuna)
    case .tpe, .cma, .gp: return (optuna ?? RandomSampler(space, seed: seed), pruner, optuna)
    }
  }

  func optuna(_ plan: StudyPlan, _ warmup: Int, isSampler: Bool) throws -> Optuna {
    var options = Optuna.Options()
    options.sampler = isSampler ? command.sampler.rawValue : nil
    options.pruner = command.prune == .none ? nil : command.prune.rawValue
    options.startup = command.study.startup
    (options.warmup, options.interval, options.steps) = (warmup, command.trial.interval, plan.steps)
    options.python = command.study.python ?? SearchCommand.usualPython
    options.isInterrupted = { Interruption.signal != nil }
    return try Optuna(space, objectives: plan.objectives.count, seed: seed, options)
  }

  private func training(
    _ models: TrialModels, _ trials: String, _ tracking: SearchTracking
  ) -> TrialTraining {
    let workers = command.study.workers
    return TrialTraining(
      models: models, files: files, settings: Set(graph.settings.map(\.name)), words: words,
      folder: trials,
      steps: command.trial.steps,
      threads: workers > 1 ? max(1, Processors.current.usualThreads / workers) : nil,
      tracking: { tracking.words(ofTrial: $0) }, isInterrupted: { Interruption.signal != nil })
  }

  /// Options of every trial's training.
  private var words: [String] {
    let trial = command.trial
    var words = [
      "--eval-interval", "\(trial.interval)", "--eval-batches", "\(trial.evalBatches)",
    ]
    if space["seed"] == nil { words += ["--seed", "\(seed)"] }
    if let data = trial.data { words += ["--data", data] }
    if let config = trial.config { words += ["--config", config] }
    return words
  }

  private func listeners(_ plan: StudyPlan, _ tracking: SearchTracking) -> StudySearch.Listeners {
    var listeners = StudySearch.Listeners()
    let (space, isQuiet) = (space, command.quiet)
    listeners.ended = { trial, study in
      if !isQuiet { printToStandardError(onOneLine(StudyTable(study, space).line(trial))) }
      tracking.note(study)
    }
    listeners.isInterrupted = { Interruption.signal != nil }
    return listeners
  }

  func tell(_ text: String) {
    if !command.quiet { printToStandardError(text) }
  }
}
