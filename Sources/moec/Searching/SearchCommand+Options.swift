import ArgumentParser

extension SearchCommand {
  struct BudgetOptions: ParsableArguments {
    @Option(help: "Trials in all, earlier ones of the study included. (default: 20)")
    var trials: Int?

    @Option(help: "Minutes in which trials begin.")
    var minutes: Double?

    @Option(help: "Operations of all training together, such as 1e15.")
    var flops: Double?

    @Option(
      help: ArgumentHelp(
        "Refuse models whose training needs more memory: 800MB, 2GB.", valueName: "size"))
    var atMost: String?

    func check() throws {
      if let trials, !(1...1_000_000).contains(trials) {
        throw ValidationError("--trials must be from 1 to 1000000, not \(trials)")
      }
      for (name, value) in [("--minutes", minutes), ("--flops", flops)] {
        if let value, !(value > 0 && value.isFinite) {
          throw ValidationError("\(name) must be above 0, not \(value)")
        }
      }
      _ = try bytes()
    }

    /// `--at-most` in bytes.
    func bytes() throws -> Int? {
      guard let atMost else { return nil }
      let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("KB", 1e3), ("B", 1), ("", 1)]
      for (unit, size) in units where atMost.hasSuffix(unit) {
        guard let number = Double(atMost.dropLast(unit.count)), number > 0, number * size < 1e18
        else { break }
        return Int(number * size)
      }
      throw ValidationError("--at-most is a size such as 800MB or 2GB, not '\(atMost)'")
    }
  }

  struct TrialOptions: ParsableArguments {
    @Option(help: "Training steps of a trial.")
    var steps = 500

    @Option(help: "Steps between evaluations. (default: a tenth of --steps)")
    var evalInterval: Int?

    @Option(help: "Batches for each part of the text at an evaluation.")
    var evalBatches = 20

    @Option(help: "The text to train on, as for moec run.", completion: .file())
    var data: String?

    @Option(
      help: ArgumentHelp("Other options of training as a JSON object.", valueName: "file"),
      completion: .file(extensions: ["json"]))
    var config: String?

    @Option(help: "The seed of all trials, and of what is drawn for them. (default: 1337)")
    var seed: UInt64?

    var interval: Int { evalInterval ?? max(1, steps / 10) }

    func check() throws {
      let counts = [("--steps", steps), ("--eval-interval", interval)]
      for (name, value) in counts + [("--eval-batches", evalBatches)]
      where !(1...1_000_000_000).contains(value) {
        throw ValidationError("\(name) must be from 1 to 1000000000, not \(value)")
      }
    }
  }

  struct StudyOptions: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "The folder with the study's journal and each trial's log. (default: runs/MODEL-search)",
        valueName: "folder"), completion: .directory)
    var study: String?

    @Option(help: "Trials at once, which share the processors.")
    var workers = 1

    @Option(
      help: ArgumentHelp(
        "Trials drawn at random before a sampler learns from them.", valueName: "n"))
    var startup = 10

    @Option(
      help: ArgumentHelp("Write a page with all trials.", valueName: "file"),
      completion: .file(extensions: ["html"]))
    var html: String?

    @Option(
      help: ArgumentHelp(
        "Log the study to an MLflow server, and each trial as a child run of it.", valueName: "uri")
    )
    var mlflow: String?

    @Option(help: ArgumentHelp("The MLflow experiment. (default: moec)", valueName: "name"))
    var mlflowExperiment: String?

    @Option(
      help: ArgumentHelp("The Python that has Optuna. (default: $MOEC_PYTHON, or python3)"),
      completion: .file())
    var python: String?

    func check() throws {
      for (name, value) in [("--study", study), ("--html", html), ("--python", python)]
      where value?.isEmpty == true {
        throw ValidationError("\(name) needs a name, and was given an empty text")
      }
      guard (0...1_000_000).contains(startup) else {
        throw ValidationError("--startup must be from 0 to 1000000, not \(startup)")
      }
    }
  }
}
