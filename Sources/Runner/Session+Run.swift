import ModelRuntime

/// Files that a training run writes.
public struct TrainingFiles: Equatable, Sendable {
  /// Weights and all that training needs to go on: at each evaluation and at the end.
  public var save: String?
  /// JSON lines.
  public var log: String?

  public init() {}
}

extension Session {
  /// Trains, saves and logs; `output` gets a line at each evaluation:
  /// `step 100: train loss 2.7351, val loss 2.7429`.
  ///
  /// With settings for N steps a run ends after step N - 1; a resumed one begins where the other
  /// stopped. Without `files` nothing is written.
  public func train(
    _ settings: TrainingSettings, files: TrainingFiles = TrainingFiles(),
    output: (String) throws -> Void
  ) throws {
    guard let corpus else { throw CorpusError.noneGiven(usual: Corpus.usualPath) }
    if let path = files.save { try AtomicFile.check(path) }
    var settings = settings
    settings.learningRate = settings.learningRate ?? learningRate
    let loop = TrainingLoop(model: model, corpus: corpus, settings: settings, seed: seed)
    let start = isResumed ? step : 0
    guard start < settings.steps else {
      throw TrainingError.nothingLeft(step: start, steps: settings.steps)
    }
    var log: TrainingLog?
    if let path = files.log { log = try TrainingLog(path: path, isResumed: isResumed) }
    let progress = ProgressLine(total: work(of: loop, from: start))
    defer { progress.clear() }
    try loop.run(from: start) { event in
      switch event {
      case .evaluationBatch(let step):
        let label = "step \(step) of \(settings.steps), evaluating"
        progress.advance(by: evaluationWork, label: label)
      case .stepped(let step, let loss):
        let loss = fourDecimals(Double(loss))
        progress.advance(by: 1, label: "step \(step + 1) of \(settings.steps), loss \(loss)")
      case .evaluated(let evaluation):
        progress.clear()
        try output("step \(evaluation.step): \(evaluation.line)")
        let tokens = evaluation.step * model.manifest.batch * model.manifest.context
        try log?.write(evaluation, seconds: progress.elapsed, tokens: tokens)
        if let path = files.save { try save(to: path, step: evaluation.step, settings) }
      }
    }
    if let path = files.save { try save(to: path, step: settings.steps, settings) }
  }

  /// Mean losses on both parts of the corpus.
  public func evaluate(batches: Int) throws -> Evaluation {
    guard let corpus else { throw CorpusError.noneGiven(usual: Corpus.usualPath) }
    let progress = ProgressLine(total: Double(2 * batches))
    defer { progress.clear() }
    return try Evaluator(model: model, corpus: corpus, batches: batches, seed: seed)
      .evaluate(step: step) { progress.advance(by: 1, label: "evaluating") }
  }

  /// Writes text that continues `prompt`; `write` gets each piece as it is there.
  public func generate(
    prompt: String = "", _ settings: GenerationSettings, write: (String) throws -> Void
  ) throws {
    try TextGenerator(model: model, coding: coding, settings: settings)
      .generate(prompt: prompt, write: write)
  }

  /// Saves the model as it is before step `step`.
  public func save(to path: String, step: Int, _ settings: TrainingSettings) throws {
    var characters: [Unicode.Scalar] = []
    var tokenizer: String?
    switch coding {
    case .characters(let vocabulary): characters = vocabulary.characters
    case .subwords(let subwords): tokenizer = String(decoding: subwords.json, as: UTF8.self)
    }
    let notes = CheckpointNotes(
      model: model.manifest.name, vocabulary: characters, tokenizer: tokenizer, step: step,
      seed: seed,
      learningRate: settings.learningRate ?? model.manifest.defaults.learningRate)
    try Checkpoint.save(model, notes, to: path)
  }

  /// One evaluation batch in units of a training step, by the library's own count.
  private var evaluationWork: Double {
    let work = model.manifest.work
    return work.forward > 0 && work.step > 0 ? work.forward / work.step : 1.0 / 3
  }

  private func work(of loop: TrainingLoop, from start: Int) -> Double {
    let evaluations = (start..<loop.settings.steps).count(where: loop.isEvaluated)
    return Double(loop.settings.steps - start)
      + Double(evaluations * 2 * loop.settings.evaluationBatches) * evaluationWork
  }
}
