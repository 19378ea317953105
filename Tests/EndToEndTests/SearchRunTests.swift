import CompiledModels
import Foundation
import ModelFixtures
import Search
import Testing

/// `moec search` on a small model: trials, what is kept of them, and going on.
@Suite struct SearchRunTests {
  private static let source = SmallModelFile.source
    .replacing("Axis(\"E\", 4)", with: "Axis(\"E\", Setting(\"experts\", 4, in: 2...64))")
    .replacing("top(2)", with: "top(Setting(\"chosen\", 2))")
    .replacing(
      "import MoE\n", with: "import MoE\nlet gate = Setting(\"gate\", \"a\", of: [\"a\", \"b\"])\n")

  private static let folder = Result { try SmallModelFile.folder(source) }

  private static let usual = [
    "search", "model.swift", "--sampler", "random", "--data", "text.txt", "--steps", "8",
    "--eval-interval", "2", "--eval-batches", "1",
  ]

  private func search(_ words: [String]) throws -> Command {
    try Moec.run(Self.usual + words, in: Self.folder.get())
  }

  private func study(_ name: String) throws -> Study {
    try StudyJournal("\(Self.folder.get())/\(name)/journal.jsonl").study
  }

  private static let space = [
    "--space", "experts=2,4,8", "--space=learning-rate=1e-3..1e-1:log", "--where",
    "chosen<=experts",
  ]

  @Test("Trials are made, shown, kept, and gone on with")
  func whole() throws {
    let folder = try Self.folder.get()
    let words = Self.space + ["--study", "whole", "--html", "whole.html", "--at-most", "350kB"]
    let first = try search(words + ["--trials", "4"])
    try #require(first.status == 0, "\(first.errors)")
    #expect(first.errors.contains("the study is in whole: 0 trials so far"))
    #expect(first.output.contains(/4 trials: .*complete/))
    #expect(first.output.contains(/moec compile model.swift --set experts=[248]/))
    #expect(first.output.contains(/--train --learning-rate 0.0\d+ --data text.txt/))
    let made = try study("whole")
    for trial in made.trials {
      let log = "\(folder)/whole/trials/\(trial.number).jsonl"
      #expect(FileManager.default.fileExists(atPath: log) == trial.isComplete)
      #expect(trial.isComplete == (trial.result?.cost?.bytes ?? 0 <= 350_000))
      if trial.isComplete { #expect(trial.reports.map(\.step) == [0, 2, 4, 6, 7]) }
    }
    #expect(made.best != nil)
    // One library for all that differ in training alone.
    for (_, trials) in Dictionary(
      grouping: made.trials.filter(\.isComplete), by: { $0.values["experts"] })
    {
      #expect(trials.count { $0.result?.preparation ?? 0 > 0 } == 1)
    }
    let page = try String(contentsOfFile: folder + "/whole.html", encoding: .utf8)
    #expect(page.contains("Search of small") && page.contains("\"curve\":[[0,"))
    #expect(page.contains("[\"block.1\",[") && !page.contains("router 1"))
    let second = try search(words + ["--trials", "6"])
    #expect(second.output.contains("6 trials: "), "\(second.errors)")
    let both = try study("whole")
    #expect(both.trials.prefix(4).map(\.result) == made.trials.map(\.result))
    #expect(both.finished.count == 6)
    let other = try search(words + ["--trials", "6", "--seed", "2"])
    #expect(
      other.status == 1 && other.errors.contains("is of another search: the seed was 1337"),
      "\(other.errors)")
  }

  @Test("Another text of the same name makes another study")
  func otherText() throws {
    let folder = try Self.folder.get()
    let text = try String(contentsOfFile: folder + "/text.txt", encoding: .utf8)
    func search(_ trials: String) throws -> Command {
      try self.search([
        "--space", "learning-rate=1e-3,1e-2", "--study", "texts", "--data", "copy.txt", "--trials",
        trials,
      ])
    }
    try text.write(toFile: folder + "/copy.txt", atomically: true, encoding: .utf8)
    #expect(try search("1").status == 0)
    #expect(try search("1").status == 0)
    try String(text.dropLast()).write(
      toFile: folder + "/copy.txt", atomically: true, encoding: .utf8)
    let other = try search("2")
    #expect(
      other.status == 1
        && other.errors.contains("is of another search: what --data names has changed"),
      "\(other.errors)")
  }

  @Test("A model or text that is changed meanwhile ends the search; put back, it goes on")
  func changedMeanwhile() throws {
    let cache = try Self.folder.get() + "/cache"
    for (name, change, space) in [
      ("model.swift", "source", "experts=2,3,4"),
      ("text.txt", "what training reads", "learning-rate=1e-3,2e-3,3e-3"),
    ] {
      let folder = try SmallModelFile.folder(Self.source)
      let words = Self.usual + ["--space", space, "--trials", "3", "--study", "it"]
      let command = try StartedCommand(
        Command.moecPath(), words, in: folder, environment: ["MOEC_CACHE": cache])
      command.wait {
        FileManager.default.fileExists(atPath: folder + "/it/trials/0.jsonl")
      }
      let whole = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      try (whole + "\n").write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
      let end = try command.end()
      #expect(end.status == 1 && end.errors.contains("\(change) has changed since"), "\(end)")
      try whole.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
      let last = try Command.shell(
        "MOEC_CACHE=\"$1\" && export MOEC_CACHE && shift && exec \"$0\" \"$@\"", [cache] + words,
        in: folder)
      #expect(last.status == 0 && last.output.contains(/3 trials: .*complete/), "\(last)")
    }
  }

  @Test("Killed in the middle of a trial, a search goes on; no trial is lost or made twice")
  func killed() throws {
    let folder = try Self.folder.get()
    let words =
      Self.usual + ["--space", "learning-rate=1e-3..1e-1:log", "--study", "killed"]
      + ["--trials", "3", "--workers", "2"]
    let journal = folder + "/killed/journal.jsonl"
    var ends: [Command] = []
    // At other moments each time: by the number of lines that the journal has.
    for (lines, signal) in [(2, SIGKILL), (6, SIGINT), (11, SIGKILL)] {
      let command = try StartedCommand(
        Command.moecPath(), words, in: folder, environment: ["MOEC_CACHE": folder + "/cache"])
      command.wait {
        let written = try? Data(contentsOf: URL(fileURLWithPath: journal))
        return written?.count { $0 == UInt8(ascii: "\n") } ?? 0 >= lines
      }
      command.send(signal)
      ends.append(try command.end())
    }
    #expect(ends[0].isKilled && ends[2].isKilled)
    #expect(
      ends[1].status == 128 + SIGINT && ends[1].errors.hasSuffix("the same command goes on\n"),
      "\(ends[1])")
    let last = try Command.shell(
      "MOEC_CACHE=\"$1\" && export MOEC_CACHE && shift && exec \"$0\" \"$@\"",
      [folder + "/cache"] + words, in: folder)
    #expect(last.status == 0, "\(last.errors)")
    let study = try study("killed")
    #expect(study.finished.count == 3 && study.trials.allSatisfy(\.isComplete))
    #expect(study.trials.allSatisfy { $0.reports.map(\.step) == [0, 2, 4, 6, 7] })
    let text = try String(contentsOfFile: journal, encoding: .utf8)
    #expect(text.matches(of: /"end":/).count == 3 && text.matches(of: /"begin":/).count == 3)
  }

  @Test(
    "What cannot be searched is said before anything is trained",
    arguments: [
      (
        ["--space", "expert=2,4"], "there is nothing called expert to search",
        "did you mean experts?"
      ),
      (
        ["--space", "batch=2,4"], "there is nothing called batch to search",
        "Axis(…, Setting(\"batch\", 16)), or accumulate"
      ),
      (["--space", "experts=1,4"], "experts cannot be \"1\"", "a whole number from 2 to 64"),
      (["--space", "learning-rate=0..1"], "--learning-rate must be above 0", "moec run --help"),
      (
        ["--space", "experts=2,4", "--where", "chosen<=expert"], "there is no parameter expert",
        "experts"
      ),
      (
        ["--space", "experts=2,4", "--set", "experts=2"], "is in --set and in --space",
        "in one of them"
      ),
      (["--space", "none.json"], "cannot read none.json", "check the name"),
      (["--space", "experts=2,4", "--config", "none"], "cannot read none", "check the name"),
      ([], "there is nothing to search", "--space experts=2,4,8"),
      (
        ["--space", "experts=2,4", "--config", "model.swift"], "model.swift:1 holds no settings",
        "copy the settings of a run"
      ),
      (
        ["--space", "gate=a,b", "--where", "gate<2"], "gate<2: gate is a word, and has no order",
        "by == or !="
      ),
      (
        ["--space", "experts=2,4", "--mlflow", "nonsense"], "nonsense is no address of an MLflow",
        "mlflow server"
      ),
    ])
  func wrong(words: [String], message: String, hint: String) throws {
    let result = try search(words + ["--study", "wrong"])
    #expect(result.status == 1 && result.errors.contains(message), "\(result.errors)")
    #expect(result.errors.contains(hint), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: try Self.folder.get() + "/wrong"))
  }

  @Test(
    "Wrong usage is said as such",
    arguments: [
      ["--objective", "flops"], ["--objective", "loss,loss"], ["--workers", "0"],
      ["--at-most", "2 apples"], ["--trials", "0"], ["--minutes", "-1"],
      ["--objective", "loss,bytes", "--prune", "median"],
      ["--objective", "loss,bytes", "--sampler", "cma"], ["--study", ""], ["--python", ""],
      ["--startup=-1"],
    ])
  func usage(words: [String]) throws {
    #expect(try search(["--space", "experts=2,4"] + words).status == 64)
  }

  @Test("A search without a result is a failure, and says of what")
  func nothing() throws {
    let result = try search([
      "--space", "chosen=99,98", "--study", "nothing", "--trials", "2", "--sampler", "grid",
    ])
    #expect(result.status == 1 && result.output == "2 trials: 2 failed\n")
    #expect(
      result.errors.contains("error: no trial was trained to its end, the last as model.swift:"),
      "\(result.errors)")
    let refused = try search(
      Self.space + ["--study", "refused", "--trials", "2", "--at-most", "1kB"])
    #expect(refused.status == 1 && refused.errors.contains("B, and 1 kB are allowed"))
  }

  @Test("What --config says of data and seed is every trial's")
  func config() throws {
    let folder = try Self.folder.get()
    try Data(#"{"data": "text.txt", "seed": 5}"#.utf8)
      .write(to: URL(fileURLWithPath: folder + "/config.json"))
    let words =
      ["search", "model.swift", "--sampler", "random", "--steps", "2", "--eval-batches", "1"]
      + ["--space", "experts=4,8", "--trials", "1", "--study", "config", "--config", "config.json"]
    let result = try Moec.run(words, in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let settings = try String(
      contentsOfFile: folder + "/config/trials/0.settings.json", encoding: .utf8)
    #expect(settings.contains("\"seed\" : 5") && settings.contains("\"data\" : \"text.txt\""))
    #expect(try study("config").plan?.seed == 5)
  }

  @Test("A log that lost lines is no trial's result, and the trial is made anew")
  func torn() throws {
    let folder = try Self.folder.get()
    let words =
      ["search", "model.swift", "--sampler", "random", "--data", "text.txt", "--steps", "10000"]
      + ["--eval-interval", "500", "--eval-batches", "1", "--space", "learning-rate=1e-3,2e-3"]
      + ["--trials", "1", "--study", "torn"]
    let command = try StartedCommand(
      Command.moecPath(), words, in: folder, environment: ["MOEC_CACHE": folder + "/cache"])
    let log = folder + "/torn/trials/0.jsonl"
    func waitForLog(_ condition: (String) -> Bool) {
      command.wait { condition((try? String(contentsOfFile: log, encoding: .utf8)) ?? "") }
    }
    // The search sleeps while its trial goes on, so that it has seen the first lines alone, of which none
    // is the lowest, however busy the machine is.
    waitForLog { $0.contains("\n") }
    command.send(SIGSTOP)
    waitForLog { $0.contains("\"step\":9999,") }
    truncate(log, 0)
    command.send(SIGCONT)
    let end = try command.end()
    #expect(end.status == 1 && end.errors.contains("0.jsonl is not whole"), "\(end)")
    #expect(try study("torn").trials[0].result == nil)
  }

  @Test("A trial that fails is no end of the search")
  func failing() throws {
    try Data(#"{"learning-rate": [0.01, 99], "chosen": "1..3"}"#.utf8)
      .write(to: URL(fileURLWithPath: Self.folder.get() + "/space.json"))
    let result = try search([
      "--space", "space.json", "--study", "failing", "--sampler", "grid", "--trials", "9",
      "--set", "experts=2", "--prune", "median",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let study = try study("failing")
    #expect(study.finished.count == 6)
    for trial in study.trials where trial.values["chosen"] == .whole(3) {
      #expect(trial.result?.state == .failed)
      #expect(trial.result?.note?.contains("model.swift:") == true, "\(trial)")
    }
  }
}
