import CText
import Foundation
import ModelRuntime

/// A text as tokens, in two parts: the first 90 % for training, the rest for validation.
public struct Corpus: Sendable {
  /// Which part of a text is meant.
  public enum Split: Sendable, CaseIterable {
    case training, validation
  }

  public let path: String
  public let coding: TextCoding
  public let training: TokenSource
  public let validation: TokenSource
  /// Characters for each token in both parts; nil where tokens are characters.
  let charactersPerToken: CharactersPerToken?
  /// Lines of a text that end in a carriage return and a line feed: both are characters of it.
  let carriageReturns: Int

  /// How many tokens the text has.
  public var count: Int { training.count + validation.count }

  public subscript(split: Split) -> TokenSource {
    switch split {
    case .training: return training
    case .validation: return validation
    }
  }

  /// The corpus that is used when none is named.
  public static let usualPath = "Data/shakespeare.txt"

  /// What is used when none is named: that, or the text of its name that `moec new` puts beside a
  /// model; nil if neither is in the current folder.
  public static var usual: String? {
    [usualPath, "shakespeare.txt"].first { FileManager.default.fileExists(atPath: $0) }
  }

  /// Reads a text, or a folder of token shards, for a model. `coding` is that of loaded weights
  /// or of a tokenizer; nil makes the text's own characters.
  ///
  /// Errors: unreadable, empty, not UTF-8, too short, characters or tokens that do not fit the
  /// model, shards that are not whole or made with another tokenizer.
  public init(
    path: String, manifest: Manifest, coding: TextCoding? = nil
  ) throws(CorpusError) {
    if TokenShards.isFolder(path) {
      try self.init(folder: path, manifest: manifest, coding: coding)
    } else if case .subwords(let tokenizer)? = coding {
      let bytes = try CorpusText.text(of: path)
      try self.init(text: bytes, path: path, manifest: manifest, tokenizer: tokenizer)
    } else {
      var vocabulary: Vocabulary?
      if case .characters(let known)? = coding { vocabulary = known }
      // Weights that were trained with the mark as a character go on so.
      let keepsMark = vocabulary?.characters.contains("\u{feff}") ?? false
      let text = try CorpusText.read(path, keepsMark: keepsMark)
      try self.init(utf8: text, path: path, manifest: manifest, vocabulary: vocabulary)
    }
  }

  /// The same from characters at hand; `path` is used in errors.
  public init(
    text: [Unicode.Scalar], path: String, manifest: Manifest, vocabulary: Vocabulary? = nil
  ) throws(CorpusError) {
    var characters = String.UnicodeScalarView()
    characters.append(contentsOf: text)
    try self.init(
      utf8: Array(String(characters).utf8), path: path, manifest: manifest, vocabulary: vocabulary)
  }

  /// The same from UTF-8 that is known to be right.
  private init(
    utf8 text: [UInt8], path: String, manifest: Manifest, vocabulary: Vocabulary?
  ) throws(CorpusError) {
    guard !text.isEmpty else { throw .empty(path: path) }
    let census = CharacterCensus(text)
    let known: Vocabulary
    if let vocabulary {
      known = vocabulary
    } else {
      known = try Corpus.vocabulary(census, path, manifest)
    }
    try Corpus.checkLength(census.count, of: "character", path, context: manifest.context)
    let tokens: [Int32]
    do throws(VocabularyError) {
      tokens = try known.encode(text, census)
    } catch {
      throw .unknownCharacters(path: path, error)
    }
    let boundary = Corpus.boundary(of: tokens.count)
    self.path = path
    carriageReturns = text_count_carriage_returns(text, text.count)
    coding = .characters(known)
    training = TokenSource(tokens, 0..<boundary)
    validation = TokenSource(tokens, boundary..<tokens.count)
    charactersPerToken = nil
  }

  /// Validation is the shorter part, ⌈n / 10⌉, and a window needs T + 1 tokens.
  static func checkLength(
    _ count: Int, of unit: String, _ path: String, context: Int
  ) throws(CorpusError) {
    let needed = 10 * context + 1
    guard count >= needed else {
      throw .tooShort(
        path: path, count: count, unit: unit, needed: needed, context: context)
    }
  }

  /// The characters of a text, no more than the model was compiled for.
  private static func vocabulary(
    _ census: CharacterCensus, _ path: String, _ manifest: Manifest
  ) throws(CorpusError) -> Vocabulary {
    guard census.distinct.count <= manifest.vocabulary else {
      throw .tooManyCharacters(
        path: path, distinct: census.distinct.count, compiled: manifest.vocabulary,
        line: manifest.vocabularyLine)
    }
    return Vocabulary(census.distinct)
  }

  /// Only the characters of a text, for generation from fresh parameters.
  public static func vocabulary(
    path: String, manifest: Manifest
  ) throws(CorpusError) -> Vocabulary {
    let text = try CorpusText.read(path)
    guard !text.isEmpty else { throw .empty(path: path) }
    return try vocabulary(CharacterCensus(text), path, manifest)
  }

  /// How many of `count` characters are for training: 90 %, rounded down.
  static func boundary(of count: Int) -> Int { count / 10 * 9 + count % 10 * 9 / 10 }
}
