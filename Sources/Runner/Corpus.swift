import Foundation
import ModelRuntime

/// A text as tokens, in two parts: the first 90 % for training, the rest for validation.
public struct Corpus: Sendable {
  /// Which part of a text is meant.
  public enum Split: Sendable, CaseIterable {
    case training, validation
  }

  public let path: String
  public let vocabulary: Vocabulary
  public let training: [Int32]
  public let validation: [Int32]

  /// How many characters the text has.
  public var count: Int { training.count + validation.count }

  public subscript(split: Split) -> [Int32] {
    switch split {
    case .training: return training
    case .validation: return validation
    }
  }

  /// The corpus that is used when none is named.
  public static let usualPath = "Data/shakespeare.txt"

  /// Reads a text for a model. `vocabulary` is that of loaded weights; nil makes the text's own.
  ///
  /// Errors: unreadable, empty, not UTF-8, too short, characters that do not fit the model.
  public init(
    path: String, manifest: Manifest, vocabulary: Vocabulary? = nil
  ) throws(CorpusError) {
    let text = try CorpusText.read(path)
    try self.init(text: text, path: path, manifest: manifest, vocabulary: vocabulary)
  }

  /// The same from characters at hand; `path` is used in errors.
  public init(
    text: [Unicode.Scalar], path: String, manifest: Manifest, vocabulary: Vocabulary? = nil
  ) throws(CorpusError) {
    guard !text.isEmpty else { throw .empty(path: path) }
    let known: Vocabulary
    if let vocabulary {
      known = vocabulary
    } else {
      known = try Corpus.vocabulary(of: text, path, manifest)
    }
    // Validation is the shorter part, ⌈n / 10⌉, and a window needs T + 1 characters.
    let needed = 10 * manifest.context + 1
    guard text.count >= needed else {
      throw .tooShort(
        path: path, characters: text.count, needed: needed, context: manifest.context)
    }
    let tokens: [Int32]
    do throws(VocabularyError) {
      tokens = try known.encode(text)
    } catch {
      throw .unknownCharacters(path: path, error)
    }
    let boundary = Corpus.boundary(of: tokens.count)
    self.path = path
    self.vocabulary = known
    training = Array(tokens[..<boundary])
    validation = Array(tokens[boundary...])
  }

  /// The sorted distinct characters of a text, no more than the model was compiled for.
  static func vocabulary(
    of text: [Unicode.Scalar], _ path: String, _ manifest: Manifest
  ) throws(CorpusError) -> Vocabulary {
    let vocabulary = Vocabulary(of: text)
    guard vocabulary.count <= manifest.vocabulary else {
      throw .tooManyCharacters(
        path: path, distinct: vocabulary.count, compiled: manifest.vocabulary,
        line: manifest.vocabularyLine)
    }
    return vocabulary
  }

  /// Only the characters of a text, for generation from fresh parameters.
  public static func vocabulary(
    path: String, manifest: Manifest
  ) throws(CorpusError) -> Vocabulary {
    let text = try CorpusText.read(path)
    guard !text.isEmpty else { throw .empty(path: path) }
    return try vocabulary(of: text, path, manifest)
  }

  /// How many of `count` characters are for training: 90 %, rounded down.
  static func boundary(of count: Int) -> Int { count / 10 * 9 + count % 10 * 9 / 10 }
}
