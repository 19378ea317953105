import CText
import Foundation
import ModelRuntime
import SystemFiles
import Tokenizer

/// How many characters a token stands for on average, in each part of a corpus.
struct CharactersPerToken: Equatable, Sendable {
  var training: Double
  var validation: Double
}

extension Corpus {
  /// A text cut into tokens by a tokenizer.
  init(
    text: [UInt8], path: String, manifest: Manifest, tokenizer: BytePairTokenizer
  ) throws(CorpusError) {
    let text = Array(text.dropFirst(TextBytes.markLength(text)))
    guard !text.isEmpty else { throw .empty(path: path) }
    try Corpus.check(tokenizer, manifest)
    let (tokens, characters) = try Corpus.encode(text, path, tokenizer)
    try Corpus.checkLength(tokens.count, of: "token", path, context: manifest.context)
    let lost = LostCharacters(.subwords(tokenizer)).count(tokens, of: text)
    if lost > 0 { throw .lostCharacters(path: path, lost: lost, of: characters) }
    let boundary = Corpus.boundary(of: tokens.count)
    let counts = tokenizer.characterCounts()
    let trained = TokenSource.sum(of: counts, over: tokens[..<boundary])
    let validated = TokenSource.sum(of: counts, over: tokens[boundary...])
    self.path = path
    carriageReturns = text_count_carriage_returns(text, text.count)
    coding = .subwords(tokenizer)
    training = TokenSource(tokens, 0..<boundary)
    validation = TokenSource(tokens, boundary..<tokens.count)
    charactersPerToken = CharactersPerToken(
      training: Double(trained) / Double(boundary),
      validation: Double(validated) / Double(tokens.count - boundary))
  }

  private static func encode(
    _ text: [UInt8], _ path: String, _ tokenizer: BytePairTokenizer
  ) throws(CorpusError) -> (tokens: [Int32], characters: Int) {
    if let offset = text.withUnsafeBufferPointer(CorpusText.firstInvalid) {
      throw .notUTF8(path: path, offset: offset)
    }
    return (tokenizer.encode(text), text_count_characters(text, text.count))
  }

  /// A folder of token shards; the first 90 % of all tokens are for training.
  init(folder: String, manifest: Manifest, coding: TextCoding?) throws(CorpusError) {
    let shards: TokenShards
    do throws(TokenShardError) {
      shards = try TokenShards(folder: folder)
    } catch {
      throw .shards(error)
    }
    try Corpus.check(shards.tokenizer, manifest)
    if let coding, coding != .subwords(shards.tokenizer) {
      throw .otherTokenizer(first: folder, second: "the weights or --tokenizer")
    }
    try Corpus.checkLength(shards.count, of: "token", folder, context: manifest.context)
    let boundary = Corpus.boundary(of: shards.count)
    let trained = shards.characters(before: boundary)
    let all = shards.characters(before: shards.count)
    path = folder
    carriageReturns = 0
    self.coding = .subwords(shards.tokenizer)
    training = TokenSource(shards, 0..<boundary)
    validation = TokenSource(shards, boundary..<shards.count)
    charactersPerToken = CharactersPerToken(
      training: Double(trained) / Double(boundary),
      validation: Double(all - trained) / Double(shards.count - boundary))
  }

  /// A tokenizer must have no more tokens than the model.
  static func check(
    _ tokenizer: BytePairTokenizer, _ manifest: Manifest
  ) throws(CorpusError) {
    guard tokenizer.count <= manifest.vocabulary else {
      throw .tooManyTokens(
        tokens: tokenizer.count, compiled: manifest.vocabulary, line: manifest.vocabularyLine)
    }
  }
}

extension TokenShards {
  /// Whether a path names a folder, which as a corpus can only be one of shards.
  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
