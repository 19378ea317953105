import SystemFiles
import Tokenizer

/// What turns texts into tokens and back: single characters, or a tokenizer's parts of words.
public enum TextCoding: Equatable, Sendable {
  case characters(Vocabulary)
  case subwords(BytePairTokenizer)

  /// How many tokens a model must know.
  public var count: Int {
    switch self {
    case .characters(let vocabulary): return vocabulary.count
    case .subwords(let tokenizer): return tokenizer.count
    }
  }

  /// What a token is, in the plural.
  public var unit: String {
    switch self {
    case .characters: return "characters"
    case .subwords: return "tokens"
    }
  }

  /// Tokens of a text. Errors: characters that are not known.
  public func encode(_ text: String) throws(VocabularyError) -> [Int32] {
    switch self {
    case .characters(let vocabulary): return try vocabulary.encode(text.unicodeScalars)
    case .subwords(let tokenizer): return tokenizer.encode(text)
    }
  }

  /// Tokens of a text to be continued: behind what the tokenizer puts before every text.
  func prompt(_ text: String) throws(VocabularyError) -> [Int32] {
    guard case .subwords(let tokenizer) = self else { return try encode(text) }
    return tokenizer.start + (try encode(text))
  }

  /// The token that text without a beginning goes on from: a line's end where it is a token of a
  /// tokenizer, or else token 0.
  var start: Int32 {
    switch self {
    case .characters: return 0
    case .subwords(let tokenizer): return tokenizer.encode("\n").last ?? 0
    }
  }

  /// What a model writes, as text.
  func writer() -> TokenWriter {
    switch self {
    case .characters(let vocabulary): return .characters(vocabulary)
    case .subwords(let tokenizer): return .subwords(TextStream(tokenizer))
    }
  }
}

/// Tokens as text, piece by piece; every piece is whole characters.
enum TokenWriter {
  case characters(Vocabulary)
  case subwords(TextStream)

  /// The text that a token completes, perhaps none.
  mutating func append(_ token: Int32) -> String {
    switch self {
    case .characters(let vocabulary): return vocabulary.decode([token])
    case .subwords(var stream):
      defer { self = .subwords(stream) }
      return stream.append(token)
    }
  }

  /// What is left at the end.
  mutating func finish() -> String {
    guard case .subwords(var stream) = self else { return "" }
    return stream.finish()
  }
}

extension TokenizerError: ExplainedError {}
