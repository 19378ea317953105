import ModelRuntime

/// What training and evaluation take their batches from.
///
/// Everything is a function of what is asked: the batches of a step do not depend on how many ranks
/// make them, nor on where a run began.
protocol LearningData: Sendable {
  var path: String { get }
  var coding: TextCoding { get }
  /// Tells data from other data, so that going on with other is noticed.
  var fingerprint: String { get }
  /// Characters for each token that is learned, in both parts; nil where tokens are characters.
  var charactersPerToken: CharactersPerToken? { get }
  /// How a run's summary tells of it, in lines.
  var summary: [String] { get }
  /// What is to be said of it besides.
  var notes: [String] { get }
  /// What it is made of, by name, for trackers.
  var parameters: [String: String] { get }

  /// Batch `part` of the `parts` of a training step.
  func batch(step: Int, part: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> Batch
  /// How much a step learns from.
  func count(step: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> TokenCount
  /// Tokens of all steps before one.
  func tokens(before step: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> Int
  /// Steps in which all of the training part is seen once.
  func stepsOfEpoch(of parts: Int, _ manifest: Manifest) -> Int
  /// What an epoch is, in words.
  var epoch: String { get }

  /// Batches of an evaluation unless told otherwise.
  func usualEvaluationBatches(_ manifest: Manifest) -> Int
  /// How many batches an evaluation has that may have `most`.
  func evaluationBatches(of split: Corpus.Split, atMost most: Int, _ manifest: Manifest) -> Int
  /// The batches of the evaluation before `step`, one after the other.
  func evaluation(
    of split: Corpus.Split, step: Int, _ manifest: Manifest, seed: UInt64
  ) -> EvaluationBatches
}

/// Tokens, and of these the ones that are learned.
public struct TokenCount: Equatable, Sendable {
  public var all: Int
  public var learned: Int

  static func += (count: inout TokenCount, other: TokenCount) {
    count.all += other.all
    count.learned += other.learned
  }
}

/// Batches that are made when they are asked for.
struct EvaluationBatches {
  private let make: (Int) -> Batch
  private var index = 0

  /// `make` is called with 0, 1, 2, … in turn.
  init(_ make: @escaping (Int) -> Batch) { self.make = make }

  mutating func next() -> Batch {
    defer { index += 1 }
    return make(index)
  }
}
