import ArgumentParser
import Words

extension RunCommand {
  /// Numbers out of range and options of another mode are wrong usage.
  func validate() throws {
    try checkModes()
    if weights != nil, training.resume != nil {
      throw ValidationError("--weights and --resume both say where to start: give one of them")
    }
    if allowMissing, weights == nil { throw ValidationError("--allow-missing needs --weights") }
    if training.allowOtherData, training.resume == nil {
      throw ValidationError("--allow-other-data needs --resume")
    }
    try checkPlaces()
    try check(threads, "--threads", in: 1...1024)
    try check(ranks, "--ranks", in: 1...1024)
    try check(evalBatches, "--eval-batches", in: 1...1_000_000)
    try check(training.steps, "--steps", in: 1...1_000_000_000)
    try check(training.epochs, "--epochs", in: 1...1_000_000)
    if training.steps != nil, training.epochs != nil {
      throw ValidationError("--steps and --epochs both say how long to train: give one of them")
    }
    try check(training.evalInterval, "--eval-interval", in: 1...1_000_000_000)
    try check(generation.tokens, "--tokens", in: 1...100_000_000)
    try check(generation.topK, "--top-k", in: 1...Int(Int32.max))
    try check(generation.repeats, "--repeat", in: 1...1_000_000)
    try check(training.warmup, "--warmup", in: 0...1_000_000_000)
    try check(training.decaySteps, "--decay-steps", in: 1...1_000_000_000)
    try check(training.patience, "--patience", in: 1...1_000_000_000)
    try check(training.accumulate, "--accumulate", in: 1...1_000_000)
    try checkNumbers()
  }

  private func checkPlaces() throws {
    let named = training.save != nil ? "--save" : training.log != nil ? "--log" : nil
    if training.run != nil, let named {
      throw ValidationError("--run and \(named) both say where to save: give one of them")
    }
    if training.noSave, let named = training.run != nil ? "--run" : named {
      throw ValidationError("--no-save and \(named) cannot be together")
    }
    if let run = training.run, RunFolder(named: run).isUnnamed {
      throw ValidationError("--run must name a folder, such as first")
    }
  }

  private func checkNumbers() throws {
    if let rate = training.learningRate, !(rate > 0 && rate <= 100) {
      throw ValidationError("--learning-rate must be above 0 and at most 100, not \(rate)")
    }
    if let rate = training.finalLearningRate, !(rate >= 0 && rate <= 100) {
      throw ValidationError("--final-learning-rate must be from 0 to 100, not \(rate)")
    }
    if let decay = training.weightDecay, !(decay >= 0 && decay <= 100) {
      throw ValidationError("--weight-decay must be from 0 to 100, not \(decay)")
    }
    if let norm = training.clip, !(norm >= 0 && norm.isFinite) {
      throw ValidationError("--clip must be above 0, or 0 for none, not \(norm)")
    }
    if let share = training.ema, !(share >= 0 && share < 1) {
      throw ValidationError("--ema must be above 0 and below 1, or 0 for none, not \(share)")
    }
    if let temperature = generation.temperature, !(temperature >= 0 && temperature <= 1000) {
      throw ValidationError("--temperature must be from 0 to 1000, not \(temperature)")
    }
    if let share = generation.topP, !(share > 0 && share <= 1) {
      throw ValidationError("--top-p must be above 0 and at most 1, not \(share)")
    }
    if generation.stops.contains("") {
      throw ValidationError("--stop needs a text, such as --stop ROMEO")
    }
    if generation.interactive, let ranks, ranks > 1 {
      throw ValidationError("--interactive and --ranks cannot be together")
    }
    if generation.interactive, generation.repeats != nil {
      throw ValidationError("--interactive and --repeat cannot be together")
    }
  }

  private func check(_ value: Int?, _ name: String, in range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError(
      "\(name) must be from \(range.lowerBound) to \(range.upperBound.grouped), "
        + "not \(value.grouped)")
  }

  private func checkModes() throws {
    guard let task else {
      throw ValidationError(
        "give one of --train, --evaluate, --generate, --route TEXT and --choices FILE")
    }
    let given: [(name: String, isGiven: Bool)] = [
      ("--ranks", ranks != nil),
      ("--steps", training.steps != nil), ("--epochs", training.epochs != nil),
      ("--validation", conversations.validation != nil), ("--learn", conversations.learn != nil),
      ("--template", conversations.template != nil),
      ("--too-long", conversations.tooLong != nil),
      ("--learning-rate", training.learningRate != nil),
      ("--weight-decay", training.weightDecay != nil),
      ("--result-line", training.resultLine),
      ("--eval-interval", training.evalInterval != nil),
      ("--eval-batches", evalBatches != nil),
      ("--run", training.run != nil),
      ("--no-save", training.noSave),
      ("--save", training.save != nil),
      ("--resume", training.resume != nil),
      ("--overwrite", training.overwrite),
      ("--log", training.log != nil),
      ("--record", training.record != nil),
      ("--replay", training.replay != nil),
      ("--schedule", training.schedule != nil),
      ("--warmup", training.warmup != nil),
      ("--final-learning-rate", training.finalLearningRate != nil),
      ("--decay-steps", training.decaySteps != nil),
      ("--decay-form", training.decayForm != nil),
      ("--clip", training.clip != nil),
      ("--accumulate", training.accumulate != nil),
      ("--ema", training.ema != nil),
      ("--no-decay", training.noDecay != nil),
      ("--patience", training.patience != nil),
      ("--mlflow", tracking.mlflow != nil),
      ("--mlflow-experiment", tracking.mlflowExperiment != nil),
      ("--mlflow-run-name", tracking.mlflowRunName != nil),
      ("--mlflow-parent", tracking.mlflowParent != nil),
      ("--tensorboard", tracking.tensorboard != nil),
      ("--prompt", generation.prompt != nil),
      ("--tokens", generation.tokens != nil),
      ("--temperature", generation.temperature != nil),
      ("--top-k", generation.topK != nil),
      ("--top-p", generation.topP != nil),
      ("--repeat", generation.repeats != nil),
      ("--stop", !generation.stops.isEmpty),
      ("--when-full", generation.whenFull != nil), ("--interactive", generation.interactive),
      ("--html", routes.html != nil), ("--output", choice.output != nil),
    ]
    for option in given where option.isGiven {
      guard let modes = Self.modes[option.name], !modes.contains(task) else { continue }
      throw ValidationError("\(option.name) has no meaning with --\(task.rawValue)")
    }
  }

  /// The modes that options have a meaning in; those that are not here have one in all.
  static let modes: [String: Set<Task>] = {
    var modes: [String: Set<Task>] = [
      "--eval-batches": [.train, .evaluate], "--ranks": [.train, .evaluate, .generate, .choices],
      "--html": [.route], "--output": [.choices],
    ]
    for name in ["--validation", "--learn", "--template", "--too-long"] {
      modes[name] = [.train, .evaluate]
    }
    for name in trainingNames { modes[name] = [.train] }
    for name in ["--result-line", "--overwrite"] { modes[name] = [.train, .choices] }
    for name in generationNames { modes[name] = [.generate] }
    return modes
  }()

  private static let trainingNames = [
    "--steps", "--epochs", "--learning-rate", "--weight-decay", "--result-line", "--eval-interval",
    "--run",
    "--no-save", "--save", "--resume",
    "--overwrite", "--log", "--record", "--replay", "--schedule", "--warmup",
    "--final-learning-rate", "--decay-steps", "--decay-form", "--clip", "--accumulate",
    "--ema", "--no-decay", "--patience", "--mlflow",
    "--mlflow-experiment", "--mlflow-run-name", "--mlflow-parent", "--tensorboard",
  ]

  private static let generationNames = [
    "--prompt", "--tokens", "--temperature", "--top-k", "--top-p", "--repeat", "--stop",
    "--when-full", "--interactive",
  ]
}
