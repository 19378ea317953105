import Foundation
import ModelFixtures
import Testing

@testable import Search

/// Optuna as it is, where it is.
@Suite(
  .enabled(if: Python.path != nil, "no Python with Optuna; MOEC_PYTHON names one"), .serialized)
struct OptunaTests {
  private func optuna(
    _ bench: Bench, _ sampler: String? = "tpe", pruner: String? = nil
  ) throws -> Optuna {
    var options = Optuna.Options()
    (options.sampler, options.pruner) = (sampler, pruner)
    (options.warmup, options.interval, options.steps) = (20, 20, 100)
    options.startup = 6
    options.python = try #require(Python.path)
    return try Optuna(
      bench.space, objectives: bench.plan.objectives.count, seed: bench.plan.seed, options)
  }

  @Test func suggestionsMeetTheSpace() throws {
    var bench = try Bench(["experts=2..16", "chosen=1..4", "rate=1e-4..1e-2:log", "gate=a,b"])
    bench.options.budget = Budget(trials: 16)
    let study = try bench.run(optuna(bench))
    #expect(study.finished.count == 16)
    for trial in study.trials {
      let (experts, chosen) = (trial.values["experts"], trial.values["chosen"])
      #expect(try #require(chosen?.asNumber) <= #require(experts?.asNumber))
      #expect((1e-4...1e-2).contains(try #require(trial.values["rate"]?.asNumber)))
      #expect([.word("a"), .word("b")].contains(trial.values["gate"]))
    }
    #expect(Set(study.trials.map(\.values)).count == 16)
  }

  /// What is suggested is a function of the study, the seed and the number.
  @Test(arguments: ["tpe", "cma", "gp"])
  func aSearchThatIsCutOffGoesOnAsItWouldHave(sampler: String) throws {
    let packages = ["cma": ["cmaes"], "gp": ["scipy", "torch"]]
    guard packages[sampler, default: []].allSatisfy(Python.has) else { return }
    // Some suggestions break the condition: those that were not taken leave no trace either.
    let spaces = ["experts=2..16", "chosen=1..8", "rate=1e-4..1e-2:log"]
    var whole = try Bench(spaces)
    whole.options.budget = Budget(trials: 20)
    var optuna = try optuna(whole, sampler, pruner: "hyperband")
    let expected = try whole.run(optuna, pruner: optuna).trials
    var parts = try Bench(spaces)
    for count in [3, 10, 15, 20] {
      parts.options.budget = Budget(trials: count)
      optuna = try self.optuna(parts, sampler, pruner: "hyperband")
      try parts.run(optuna, pruner: optuna)
    }
    let study = try parts.journal().study
    #expect(study.trials.map(\.values) == expected.map(\.values))
    #expect(study.trials.map(\.result?.steps) == expected.map(\.result?.steps))
  }

  @Test(arguments: ["median", "hyperband"])
  func worseTrialsEndEarly(pruner: String) throws {
    var bench = try Bench()
    bench.options.budget = Budget(trials: 24)
    let optuna = try optuna(bench, pruner: pruner)
    let study = try bench.run(optuna, pruner: optuna)
    let pruned = study.trials.filter { $0.result?.state == .pruned }
    #expect(study.finished.count == 24 && !pruned.isEmpty)
    #expect(pruned.allSatisfy { $0.result?.steps ?? 0 > 20 })
  }

  @Test func twoObjectivesHaveAFront() throws {
    var bench = try Bench(objectives: [.loss, .flops])
    bench.options.budget = Budget(trials: 16)
    bench.options.workers = 2
    let study = try bench.run(optuna(bench))
    #expect(study.finished.count == 16 && !study.front.isEmpty)
    #expect(study.trials.filter(\.isComplete).allSatisfy { $0.result?.values.count == 2 })
  }

  @Test func importancesAreShares() throws {
    var bench = try Bench()
    bench.options.budget = Budget(trials: 60)
    let study = try bench.run()
    let shares = try optuna(bench, nil).importances(of: study, objectives: 1)
    #expect(Set(shares.keys) == ["experts", "chosen", "rate"])
    #expect(abs(shares.values.reduce(0, +) - 1) < 1e-6)
    #expect(shares["rate"] == shares.values.max())
  }

  @Test func whatOptunaRefusesIsAnError() throws {
    let error = #expect(throws: SearchError.self) { try optuna(Bench(), "none") }
    #expect(error?.message == "Optuna: ValueError: no sampler none")
  }
}

/// What is said where Optuna is not.
@Suite struct NoOptunaTests {
  private func error(_ python: String) throws -> SearchError? {
    var options = Optuna.Options()
    (options.sampler, options.python) = ("tpe", python)
    let space = try Bench().space
    return #expect(throws: SearchError.self) {
      try Optuna(space, objectives: 1, seed: 1, options)
    }
  }

  @Test func theCommandThatInstallsItIsNamed() throws {
    let none = try error("/nowhere/python3")
    #expect(none?.message.contains("/nowhere/python3 cannot be started") == true)
    #expect(none?.hint.hasPrefix("install it: /nowhere/python3 -m pip install optuna") == true)
    // A Python that answers as one without Optuna does.
    let folder = try ModelFixture.folder()
    let fake = folder + "/python"
    try "#!/bin/sh\necho '{\"missing\": \"No module named optuna\"}'\nsleep 1\n".write(
      toFile: fake, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: fake)
    #expect(try error(fake)?.message.contains("No module named optuna") == true)
    #expect(try error("/bin/true")?.message == "Optuna's process ended by itself")
  }

  /// A Python that neither answers nor ends.
  private func silent() throws -> Optuna.Options {
    let path = try ModelFixture.folder() + "/python"
    try "#!/bin/sh\nexec sleep 600\n".write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    var options = Optuna.Options()
    (options.sampler, options.python) = ("tpe", path)
    return options
  }

  @Test(.timeLimit(.minutes(1))) func anAnswerIsNotWaitedForWithoutEnd() throws {
    let space = try Bench().space
    var options = try silent()
    options.patience = 1
    let late = #expect(throws: SearchError.self) {
      try Optuna(space, objectives: 1, seed: 1, options)
    }
    #expect(late?.message == "\(options.python) has said nothing for 1 seconds")
    options.patience = 600
    options.isInterrupted = { true }
    let stopped = #expect(throws: SearchError.self) {
      try Optuna(space, objectives: 1, seed: 1, options)
    }
    #expect(stopped?.message == "Optuna was not waited for")
  }

  /// What lies in the folder where moec is called is not what Python means by those names.
  @Test(.enabled(if: Python.path != nil, "no Python with Optuna"))
  func filesThatAreThereAreNotImported()
    throws
  {
    let folder = try ModelFixture.folder()
    for name in ["json", "optuna", "warnings"] {
      try "raise SystemExit('wrong')\n".write(
        toFile: folder + "/\(name).py", atomically: true, encoding: .utf8)
    }
    let path = folder + "/python"
    let python = try #require(Python.path)
    try "#!/bin/sh\ncd '\(folder)' && exec \(python) \"$@\"\n".write(
      toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    var options = Optuna.Options()
    (options.sampler, options.python) = ("tpe", path)
    let space = try Bench().space
    _ = try Optuna(space, objectives: 1, seed: 1, options)
  }

  /// A Python whose Optuna is this text.
  private func python(optuna: String) throws -> String {
    let folder = try ModelFixture.folder()
    try FileManager.default.createDirectory(
      atPath: folder + "/optuna", withIntermediateDirectories: true)
    try optuna.write(toFile: folder + "/optuna/__init__.py", atomically: true, encoding: .utf8)
    try "".write(toFile: folder + "/optuna/distributions.py", atomically: true, encoding: .utf8)
    let path = folder + "/python"
    try "#!/bin/sh\nPYTHONPATH='\(folder)' exec python3 \"$@\"\n".write(
      toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  @Test(.enabled(if: Python.isThere, "no python3"))
  func anOptunaThatDoesNotFitIsSaidToBeMissing() throws {
    let broken = try error(python(optuna: "raise RuntimeError('numpy 2 is needed')\n"))
    #expect(broken?.message.contains("not here: RuntimeError: numpy 2 is needed") == true)
    let old = try error(python(optuna: "__version__ = '2.10.1'\n"))
    #expect(old?.message.contains("not here: Optuna 2.10.1 is too old") == true)
    #expect(old?.hint.contains("-m pip install --upgrade optuna;") == true)
  }
}
