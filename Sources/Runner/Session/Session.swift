import Chat
import Exchange
import Foundation
import ModelRuntime
import Ranks
import SystemFiles
import Tokenizer

/// A compiled model with its parameters and what they are used on: what every way of running a
/// library starts from.
public struct Session {
  public let model: Model
  /// This rank, of those that train the model together.
  public let ranks: Ranks
  public let coding: TextCoding
  /// Nil where nothing is trained or evaluated.
  let data: (any LearningData)?
  public let seed: UInt64
  public let threads: Int
  /// What is to be said of as many threads; nil if there is nothing.
  public let threadNote: String?
  /// Training steps that the parameters have seen.
  public let step: Int
  /// The learning rate of the run that this goes on from; nil if it is no such.
  public let learningRate: Float?
  /// What the run that this goes on from noted; nil if it is no such.
  public let record: RunRecord?
  /// The averaged weights of the run that this goes on from; nil if it has none.
  let average: Model?
  /// Parameters that the weights file does not have and that start as the model declares them.
  public let missing: [String]
  /// Whether the model's adapters start as it declares them, beside weights that have none.
  public let startsAdapters: Bool
  /// Whether training goes on from where another run stopped.
  public let isResumed: Bool

  /// Where parameters come from.
  public enum Parameters: Equatable, Sendable {
    /// As the model declares them.
    case initialized
    /// The values in a safetensors file.
    case weights(String)
    /// Values, moments and step of a file that training saved.
    case checkpoint(String)
  }

  /// What text is needed for.
  public enum Text: Equatable, Sendable {
    /// Training or evaluation.
    case corpus
    /// Only the characters, and those only if the weights do not bring them.
    case vocabulary
  }

  /// What to open.
  public struct Options: Sendable {
    public var library: String
    /// A text, a folder of token shards or conversations as JSON lines; nil is that of a run that goes on,
    /// or `Corpus.usual`.
    public var data: String?
    /// How conversations are read.
    public var conversations = ConversationOptions()
    /// A `tokenizer.json`; nil takes that of the weights or the shards, or characters.
    public var tokenizer: String?
    public var parameters = Parameters.initialized
    public var text = Text.corpus
    /// Nil is the checkpoint's seed, or else `RandomStream.usualSeed`.
    public var seed: UInt64?
    /// Nil is `usualThreads`.
    public var threads: Int?
    /// Nil is as many as this process may use.
    public var usualThreads: Int?
    /// The rank that this process or thread is.
    public var ranks = Ranks.alone
    /// Batches of an update, of all ranks together, where the session is to train; nil is the checkpoint's.
    public var accumulation: Int?
    /// Whether the session is to train.
    public var trains = false
    /// Whether a weights file may lack parameters.
    public var allowsMissing = false
    /// Whether a resumed run may go on with another text.
    public var allowsOtherData = false

    public init(library: String) { self.library = library }
  }

  /// Opens everything, cheap checks first. Errors: whatever is wrong with the library, the
  /// weights or the text.
  public init(_ options: Options) throws {
    // Asked before a library is loaded, which may bind this thread to one of them.
    let processors = Processors.current
    let library = try ModelLibrary(path: options.library)
    if library.manifest.infers, options.text == .corpus {
      throw TrainingError.onlyInfers(library: options.library)
    }
    let checkpoint = try Session.checkpoint(options, library.manifest)
    record = try Session.record(options.parameters, checkpoint)
    (coding, data) = try Session.texts(options, library, checkpoint, record)
    seed = options.seed ?? checkpoint?.notes.seed ?? RandomStream.usualSeed
    step = checkpoint?.notes.step ?? 0
    isResumed = checkpoint?.contents == .training
    learningRate = isResumed ? checkpoint?.notes.learningRate : nil
    missing = checkpoint?.missing ?? []
    startsAdapters = checkpoint?.startsAdapters ?? false
    try Session.check(data, record, options)
    ranks = options.ranks
    model = try Session.model(library, options, record)
    threads = try Session.setThreads(
      of: model, asked: options.threads, usual: options.usualThreads ?? processors.usualThreads)
    threadNote = Session.threadNote(asked: options.threads, processors)
    model.initialize(seed: RandomStream.seed(seed, .initialization))
    try checkpoint?.restore(into: model)
    average = try Session.average(of: checkpoint, beside: model)
  }

  /// A rank's model takes its own part of an update's batches. Errors: they cannot be shared out.
  private static func model(
    _ library: ModelLibrary, _ options: Options, _ record: RunRecord?
  ) throws -> Model {
    guard options.trains else {
      let isShared = library.manifest.expertRanks > 1
      return try Model(library, exchange: isShared ? options.ranks.exchange : nil)
    }
    let batches = options.accumulation ?? record?.settings.accumulation ?? 1
    let ranks = options.ranks
    guard batches % ranks.count == 0 else {
      throw TrainingError.unevenBatches(batches, ranks: ranks.count)
    }
    return try Model(library, exchange: ranks.exchange, batches: batches / ranks.count)
  }

  private static func average(of checkpoint: Checkpoint?, beside model: Model) throws -> Model? {
    guard let checkpoint, checkpoint.contents == .training, checkpoint.hasAverage else {
      return nil
    }
    let average = try model.companion()
    try checkpoint.restoreAverage(into: average)
    return average
  }

  private static func checkpoint(
    _ options: Options, _ manifest: Manifest
  ) throws(SafetensorsError) -> Checkpoint? {
    switch options.parameters {
    case .initialized: return nil
    case .weights(let path):
      return try Checkpoint(
        path: path, contents: .weights, manifest: manifest, allowMissing: options.allowsMissing)
    case .checkpoint(let path):
      return try Checkpoint(path: path, contents: .training, manifest: manifest)
    }
  }

  private static func record(
    _ parameters: Parameters, _ checkpoint: Checkpoint?
  ) throws(SafetensorsError) -> RunRecord? {
    guard case .checkpoint(let path) = parameters, let checkpoint else { return nil }
    return try RunRecord.of(checkpoint.notes, path: path)
  }

  /// A resumed run goes on with the text that it began with.
  private static func check(
    _ data: (any LearningData)?, _ record: RunRecord?, _ options: Options
  ) throws(TrainingError) {
    guard let data, let record, !options.allowsOtherData else { return }
    if data.fingerprint != record.fingerprint {
      if let data = data as? Conversations, let reason = data.difference(from: record) {
        throw .otherReading(path: data.path, reason: reason)
      }
      throw .otherText(path: data.path, old: record.data)
    }
  }
}
