import Chat
import Exchange
import SystemFiles
import Words

extension Session {
  /// The step that training begins with.
  public var start: Int { isResumed ? step : 0 }

  /// What a run is trained with unless told otherwise: a resumed one goes on as it was.
  public var usualSettings: TrainingSettings {
    if let record { return record.settings }
    var settings = TrainingSettings()
    settings.evaluationBatches = usualEvaluationBatches
    return settings
  }

  /// Batches of an evaluation unless told otherwise: of conversations, all to validate.
  public var usualEvaluationBatches: Int {
    data?.usualEvaluationBatches(model.manifest) ?? TrainingSettings().evaluationBatches
  }

  /// The steps of so many epochs, `accumulation` batches each.
  public func steps(ofEpochs epochs: Int, accumulation: Int) -> Int {
    epochs * (data?.stepsOfEpoch(of: accumulation, model.manifest) ?? 0)
  }

  /// `3 epochs of 120 steps: each conversation once`.
  public func epochNote(_ epochs: Int, accumulation: Int) -> String? {
    guard let data else { return nil }
    let steps = data.stepsOfEpoch(of: accumulation, model.manifest)
    return "epochs  \(epochs.grouped) of \(steps.of("step")): \(data.epoch)"
  }

  /// The text, where it is one.
  public var corpus: Corpus? { data as? Corpus }

  /// What is to be said of the data.
  public var notes: [String] { data?.notes ?? [] }

  /// What lies beside the weights for chats, where conversations are learned from.
  public var chatFiles: ChatFiles? { (data as? Conversations)?.files }

  /// Trains, saves, logs and tracks.
  ///
  /// With settings for N steps a run ends after step N - 1; a resumed one begins where the other
  /// stopped. Without `files` nothing is written.
  @discardableResult
  public func train(
    _ settings: TrainingSettings, files: TrainingFiles = TrainingFiles(),
    listeners: TrainingListeners
  ) throws -> TrainingOutcome {
    guard let data else { throw CorpusError.noneGiven(usual: Corpus.usualPath) }
    var files = files
    files.averages = settings.ema != nil
    if ranks.isFirst { try files.check() }
    if ranks.count > 1, files.record ?? files.replay != nil { throw TrainingError.routesOfRanks }
    if data is Conversations, let record, record.fingerprint == data.fingerprint,
      record.settings.accumulation != settings.accumulation
    {
      throw TrainingError.otherAccumulation(
        settings.accumulation, was: record.settings.accumulation)
    }
    var settings = settings
    // A rate that was never set stays so: the record of a resumed run is that of a whole one.
    settings.learningRate =
      settings.learningRate ?? (record.map(\.settings.learningRate) ?? learningRate)
    var loop = TrainingLoop(
      model: model, data: data, settings: settings, seed: seed, defaults: record?.defaults)
    loop.ranks = ranks
    if let decay = settings.ema {
      loop.average = try WeightAverage(of: model, goingOnFrom: average, decay: decay)
    }
    return try TrainingRun(self, loop, files, listeners).run()
  }

  /// The same with nobody but `output` looking on.
  @discardableResult
  public func train(
    _ settings: TrainingSettings, files: TrainingFiles = TrainingFiles(),
    output: @escaping (String) throws -> Void
  ) throws -> TrainingOutcome {
    var listeners = TrainingListeners()
    listeners.output = output
    return try train(settings, files: files, listeners: listeners)
  }

  /// Mean losses on both parts of the corpus. Errors: one of them is not finite.
  public func evaluate(batches: Int, showsProgress: Bool = true) throws -> Evaluation {
    guard let data else { throw CorpusError.noneGiven(usual: Corpus.usualPath) }
    var evaluator = Evaluator(model: model, data: data, batches: batches, seed: seed)
    let progress = ProgressLine(
      total: Double(evaluator.count(of: .training) + evaluator.count(of: .validation)),
      isShown: showsProgress)
    defer { progress.clear() }
    evaluator.ranks = ranks
    let evaluation = try evaluator.evaluate(step: step) {
      progress.advance(by: 1) { ["evaluating"] }
    }
    try model.requireFinite(
      [Float(evaluation.trainLoss), Float(evaluation.validationLoss)], "losses")
    return evaluation
  }

  /// Writes text that continues `prompt`; `write` gets each piece as it is there.
  public func generate(
    prompt: String = "", _ settings: GenerationSettings,
    isInterrupted: () -> Bool = { false }, whenFull: () -> Void = {},
    write: (String) throws -> Void
  ) throws {
    try TextGenerator(model: model, coding: coding, settings: settings)
      .generate(
        prompt: prompt, isInterrupted: isInterrupted, whenFull: whenFull, write: write)
  }

  /// Saves the model as it is before step `step`, so that training with `settings` can go on.
  public func save(to path: String, step: Int, _ settings: TrainingSettings) throws {
    guard let data else { throw CorpusError.noneGiven(usual: Corpus.usualPath) }
    let record = RunRecord(
      settings: settings, defaults: record?.defaults ?? model.manifest.defaults, data)
    try save(to: path, step: step, record)
  }

  /// Saves the model as it is before step `step`, and what the run has shown so far.
  func save(
    to path: String, step: Int, _ record: RunRecord, average: WeightAverage? = nil
  ) throws {
    guard ranks.isFirst else { return try Checkpoint.join(model, average: average?.model) }
    let notes = notes(step: step, record, run: record.text)
    try Checkpoint.save(model, average: average?.model, notes, to: path)
  }

  /// Saves averaged weights alone.
  func save(
    _ average: WeightAverage, to path: String, step: Int, _ record: RunRecord
  ) throws {
    guard ranks.isFirst else { return try Checkpoint.joinWeights(of: average.model) }
    try Checkpoint.saveWeights(of: average.model, notes(step: step, record), to: path)
  }

  private func notes(step: Int, _ record: RunRecord, run: String? = nil) -> CheckpointNotes {
    var characters: [Unicode.Scalar] = []
    var tokenizer: String?
    switch coding {
    case .characters(let vocabulary): characters = vocabulary.characters
    case .subwords(let subwords): tokenizer = String(decoding: subwords.json, as: UTF8.self)
    }
    return CheckpointNotes(
      model: model.manifest.name, vocabulary: characters, tokenizer: tokenizer, step: step,
      seed: seed,
      learningRate: record.settings.learningRate ?? record.defaults.learningRate,
      run: run)
  }
}
