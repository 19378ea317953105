import ArgumentParser

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
    try check(threads, "--threads", in: 1...1024)
    try check(evalBatches, "--eval-batches", in: 1...1_000_000)
    try check(training.steps, "--steps", in: 1...1_000_000_000)
    try check(training.evalInterval, "--eval-interval", in: 1...1_000_000_000)
    try check(generation.tokens, "--tokens", in: 1...100_000_000)
    try check(generation.topK, "--top-k", in: 1...Int(Int32.max))
    try check(generation.repeats, "--repeat", in: 1...1_000_000)
    try check(training.warmup, "--warmup", in: 0...1_000_000_000)
    try check(training.patience, "--patience", in: 1...1_000_000_000)
    try check(training.accumulate, "--accumulate", in: 1...1_000_000)
    try checkNumbers()
  }

  private func checkNumbers() throws {
    if let rate = training.learningRate, !(rate > 0 && rate <= 100) {
      throw ValidationError("--learning-rate must be above 0 and at most 100, not \(rate)")
    }
    if let rate = training.finalLearningRate, !(rate >= 0 && rate <= 100) {
      throw ValidationError("--final-learning-rate must be from 0 to 100, not \(rate)")
    }
    if let norm = training.clip, !(norm > 0 && norm.isFinite) {
      throw ValidationError("--clip must be above 0, not \(norm)")
    }
    if let temperature = generation.temperature, !(temperature >= 0 && temperature <= 1000) {
      throw ValidationError("--temperature must be from 0 to 1000, not \(temperature)")
    }
    if let share = generation.topP, !(share > 0 && share <= 1) {
      throw ValidationError("--top-p must be above 0 and at most 1, not \(share)")
    }
    if generation.interactive, generation.repeats != nil {
      throw ValidationError("--interactive and --repeat cannot be together")
    }
  }

  private func check(_ value: Int?, _ name: String, in range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError(
      "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
  }

  private func checkModes() throws {
    guard let task else {
      throw ValidationError("give one of --train, --evaluate, --generate and --route TEXT")
    }
    let given: [(name: String, isGiven: Bool, modes: Set<Task>)] = [
      ("--steps", training.steps != nil, [.train]),
      ("--learning-rate", training.learningRate != nil, [.train]),
      ("--eval-interval", training.evalInterval != nil, [.train]),
      ("--eval-batches", evalBatches != nil, [.train, .evaluate]),
      ("--save", training.save != nil, [.train]),
      ("--resume", training.resume != nil, [.train]),
      ("--overwrite", training.overwrite, [.train]),
      ("--log", training.log != nil, [.train]),
      ("--record", training.record != nil, [.train]),
      ("--replay", training.replay != nil, [.train]),
      ("--schedule", training.schedule != nil, [.train]),
      ("--warmup", training.warmup != nil, [.train]),
      ("--final-learning-rate", training.finalLearningRate != nil, [.train]),
      ("--clip", training.clip != nil, [.train]),
      ("--accumulate", training.accumulate != nil, [.train]),
      ("--no-decay", training.noDecay != nil, [.train]),
      ("--patience", training.patience != nil, [.train]),
      ("--mlflow", tracking.mlflow != nil, [.train]),
      ("--mlflow-experiment", tracking.mlflowExperiment != nil, [.train]),
      ("--mlflow-run-name", tracking.mlflowRunName != nil, [.train]),
      ("--tensorboard", tracking.tensorboard != nil, [.train]),
      ("--prompt", generation.prompt != nil, [.generate]),
      ("--tokens", generation.tokens != nil, [.generate]),
      ("--temperature", generation.temperature != nil, [.generate]),
      ("--top-k", generation.topK != nil, [.generate]),
      ("--top-p", generation.topP != nil, [.generate]),
      ("--repeat", generation.repeats != nil, [.generate]),
      ("--stop", !generation.stops.isEmpty, [.generate]),
      ("--interactive", generation.interactive, [.generate]),
      ("--html", routes.html != nil, [.route]),
    ]
    for option in given where option.isGiven && !option.modes.contains(task) {
      throw ValidationError("\(option.name) has no meaning with --\(task.rawValue)")
    }
  }
}
