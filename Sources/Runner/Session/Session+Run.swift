import Exchange
import SystemFiles

extension Session {
  /// The step that training begins with.
  public var start: Int { isResumed ? step : 0 }

  /// What a run is trained with unless told otherwise: a resumed one goes on as it was.
  public var usualSettings: TrainingSettings { record?.settings ?? TrainingSettings() }

  /// Trains, saves, logs and tracks.
  ///
  /// With settings for N steps a run ends after step N - 1; a resumed one begins where the other
  /// stopped. Without `files` nothing is written.
  @discardableResult
  public func train(
    _ settings: TrainingSettings, files: TrainingFiles = TrainingFiles(),
    listeners: TrainingListeners
  ) throws -> TrainingOutcome {
    guard let corpus else { throw CorpusError.noneGiven(usual: Corpus.usualPath) }
    for path in [files.save, files.best] { if let path { try AtomicFile.check(path) } }
    var settings = settings
    // A rate that was never set stays so: the record of a resumed run is that of a whole one.
    settings.learningRate =
      settings.learningRate ?? (record.map(\.settings.learningRate) ?? learningRate)
    let loop = TrainingLoop(
      model: model, corpus: corpus, settings: settings, seed: seed, defaults: record?.defaults)
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
    guard let corpus else { throw CorpusError.noneGiven(usual: Corpus.usualPath) }
    let progress = ProgressLine(total: Double(2 * batches), isShown: showsProgress)
    defer { progress.clear() }
    let evaluation = try Evaluator(model: model, corpus: corpus, batches: batches, seed: seed)
      .evaluate(step: step) { progress.advance(by: 1) { ["evaluating"] } }
    try model.requireFinite(
      [Float(evaluation.trainLoss), Float(evaluation.validationLoss)], "losses")
    return evaluation
  }

  /// Writes text that continues `prompt`; `write` gets each piece as it is there.
  public func generate(
    prompt: String = "", _ settings: GenerationSettings,
    isInterrupted: () -> Bool = { false }, write: (String) throws -> Void
  ) throws {
    try TextGenerator(model: model, coding: coding, settings: settings)
      .generate(prompt: prompt, isInterrupted: isInterrupted, write: write)
  }

  /// Saves the model as it is before step `step`, so that training with `settings` can go on.
  public func save(to path: String, step: Int, _ settings: TrainingSettings) throws {
    guard let corpus else { throw CorpusError.noneGiven(usual: Corpus.usualPath) }
    let record = RunRecord(
      settings: settings, defaults: record?.defaults ?? model.manifest.defaults,
      data: corpus.path, fingerprint: corpus.fingerprint)
    try save(to: path, step: step, record)
  }

  /// Saves the model as it is before step `step`, and what the run has shown so far.
  func save(to path: String, step: Int, _ record: RunRecord) throws {
    var characters: [Unicode.Scalar] = []
    var tokenizer: String?
    switch coding {
    case .characters(let vocabulary): characters = vocabulary.characters
    case .subwords(let subwords): tokenizer = String(decoding: subwords.json, as: UTF8.self)
    }
    let notes = CheckpointNotes(
      model: model.manifest.name, vocabulary: characters, tokenizer: tokenizer, step: step,
      seed: seed,
      learningRate: record.settings.learningRate ?? record.defaults.learningRate,
      run: record.text)
    try Checkpoint.save(model, notes, to: path)
  }
}
