import Foundation
import ModelRuntime

/// A compiled model with its parameters and what they are used on: what every way of running a
/// library starts from.
public struct Session {
  public let model: Model
  public let vocabulary: Vocabulary
  /// Nil where no text is needed.
  public let corpus: Corpus?
  public let seed: UInt64
  public let threads: Int
  /// Training steps that the parameters have seen.
  public let step: Int
  /// The learning rate of the run that this goes on from; nil if it is no such.
  public let learningRate: Float?
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
    /// A text; nil is `Corpus.usualPath` in the current folder.
    public var data: String?
    public var parameters = Parameters.initialized
    public var text = Text.corpus
    /// Nil is the checkpoint's seed, or else `RandomStream.usualSeed`.
    public var seed: UInt64?
    /// Nil is one for each core.
    public var threads: Int?

    public init(library: String) { self.library = library }
  }

  /// Opens everything, cheap checks first. Errors: whatever is wrong with the library, the
  /// weights or the text.
  public init(_ options: Options) throws {
    let library = try ModelLibrary(path: options.library)
    let checkpoint = try Session.checkpoint(options.parameters, library.manifest)
    (vocabulary, corpus) = try Session.texts(options, library.manifest, checkpoint)
    seed = options.seed ?? checkpoint?.notes.seed ?? RandomStream.usualSeed
    threads = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
    step = checkpoint?.notes.step ?? 0
    isResumed = checkpoint?.contents == .training
    learningRate = isResumed ? checkpoint?.notes.learningRate : nil
    model = try Model(library)
    try model.setThreads(threads)
    model.initialize(seed: RandomStream.seed(seed, .initialization))
    try checkpoint?.restore(into: model)
  }

  private static func checkpoint(
    _ parameters: Parameters, _ manifest: Manifest
  ) throws(SafetensorsError) -> Checkpoint? {
    switch parameters {
    case .initialized: return nil
    case .weights(let path):
      return try Checkpoint(path: path, contents: .weights, manifest: manifest)
    case .checkpoint(let path):
      return try Checkpoint(path: path, contents: .training, manifest: manifest)
    }
  }

  private static func texts(
    _ options: Options, _ manifest: Manifest, _ checkpoint: Checkpoint?
  ) throws(CorpusError) -> (Vocabulary, Corpus?) {
    let characters = checkpoint?.notes.vocabulary ?? []
    let saved = characters.isEmpty ? nil : Vocabulary(characters)
    switch options.text {
    case .corpus:
      let path = try dataPath(options)
      let corpus = try Corpus(path: path, manifest: manifest, vocabulary: saved)
      return (corpus.vocabulary, corpus)
    case .vocabulary:
      if let saved { return (saved, nil) }
      return (try Corpus.vocabulary(path: try dataPath(options), manifest: manifest), nil)
    }
  }

  private static func dataPath(_ options: Options) throws(CorpusError) -> String {
    if let path = options.data { return path }
    guard FileManager.default.fileExists(atPath: Corpus.usualPath) else {
      throw .noneGiven(usual: Corpus.usualPath)
    }
    return Corpus.usualPath
  }
}
