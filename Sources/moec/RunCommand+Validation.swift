import ArgumentParser

extension RunCommand {
  /// Numbers out of range and options of another mode are wrong usage.
  func validate() throws {
    try checkModes()
    if weights != nil, training.resume != nil {
      throw ValidationError("--weights and --resume both say where to start: give one of them")
    }
    try check(threads, "--threads", in: 1...1024)
    try check(evalBatches, "--eval-batches", in: 1...1_000_000)
    try check(training.steps, "--steps", in: 1...1_000_000_000)
    try check(training.evalInterval, "--eval-interval", in: 1...1_000_000_000)
    try check(generation.tokens, "--tokens", in: 1...100_000_000)
    try check(generation.topK, "--top-k", in: 1...Int(Int32.max))
    if let rate = training.learningRate, !(rate > 0 && rate <= 100) {
      throw ValidationError("--learning-rate must be above 0 and at most 100, not \(rate)")
    }
    if let temperature = generation.temperature, !(temperature >= 0 && temperature <= 1000) {
      throw ValidationError("--temperature must be from 0 to 1000, not \(temperature)")
    }
  }

  private func check(_ value: Int?, _ name: String, in range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError(
      "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
  }

  private func checkModes() throws {
    let given: [(name: String, isGiven: Bool, modes: Set<Mode>)] = [
      ("--steps", training.steps != nil, [.train]),
      ("--learning-rate", training.learningRate != nil, [.train]),
      ("--eval-interval", training.evalInterval != nil, [.train]),
      ("--eval-batches", evalBatches != nil, [.train, .evaluate]),
      ("--save", training.save != nil, [.train]),
      ("--resume", training.resume != nil, [.train]),
      ("--log", training.log != nil, [.train]),
      ("--prompt", generation.prompt != nil, [.generate]),
      ("--tokens", generation.tokens != nil, [.generate]),
      ("--temperature", generation.temperature != nil, [.generate]),
      ("--top-k", generation.topK != nil, [.generate]),
    ]
    for option in given where option.isGiven && !option.modes.contains(mode) {
      throw ValidationError("\(option.name) has no meaning with --\(mode.rawValue)")
    }
  }
}
