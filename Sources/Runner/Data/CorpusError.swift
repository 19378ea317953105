import SystemFiles
import Tokenizer

/// Why a text cannot be used for training or evaluation.
public enum CorpusError: ExplainedError, Equatable {
  case unreadable(FileError)
  /// No file was named and the usual one is not in the current folder.
  case noneGiven(usual: String)
  /// The same where the text would only have said which characters there are, as weights do.
  case noCharacters(usual: String)
  case empty(path: String)
  case notUTF8(path: String, offset: Int)
  case utf16(path: String)
  case tooShort(path: String, count: Int, unit: String, needed: Int, context: Int)
  /// It has more distinct characters than the model was compiled for.
  case tooManyCharacters(path: String, distinct: Int, compiled: Int, line: String?)
  /// It has characters that the loaded weights do not know.
  case unknownCharacters(path: String, VocabularyError)
  /// The tokenizer leaves characters out, since it has no token for them.
  case lostCharacters(path: String, lost: Int, of: Int)
  case tokenizer(TokenizerError)
  /// The tokenizer has more tokens than the model was compiled for.
  case tooManyTokens(tokens: Int, compiled: Int, line: String?)
  /// Two of weights, shards and `--tokenizer` bring tokenizers, and they differ.
  case otherTokenizer(first: String, second: String)
  case shards(TokenShardError)

  public var message: String {
    switch self {
    case .unreadable(let error):
      return error.message
    case .noneGiven(let usual):
      return "no text was given, and \(usual) is not in the current folder"
    case .noCharacters(let usual):
      return "neither weights nor a text say what characters there are, and \(usual) is not here"
    case .empty(let path):
      return "\(path) is empty"
    case .notUTF8(let path, let offset):
      return "\(path) is not UTF-8: the bytes at offset \(offset) are no character"
    case .utf16(let path):
      return "\(path) is UTF-16, not UTF-8"
    case .tooShort(let path, let count, let unit, let needed, let context):
      return "\(path) is too short: it has \(count.of(unit)), and a model with a context "
        + "of \(context) needs \(needed)"
    case .tooManyCharacters(let path, let distinct, let compiled, _):
      return "\(path) has \(distinct) distinct characters, the model was compiled for \(compiled)"
    case .unknownCharacters(let path, let error):
      return "\(path) has \(error.message)"
    case .lostCharacters(let path, let lost, let count):
      return "\(path) has characters without a token in the tokenizer: \(lost) of \(count) would "
        + "be left out"
    case .tokenizer(let error): return error.message
    case .tooManyTokens(let tokens, let compiled, _):
      return "the tokenizer has \(tokens) tokens, the model was compiled for \(compiled)"
    case .otherTokenizer(let first, let second):
      return "\(first) and \(second) do not have the same tokens"
    case .shards(let error): return error.message
    }
  }

  public var hint: String {
    switch self {
    case .unreadable(let error): return error.hint
    case .noneGiven: return "name a text with --data FILE"
    case .noCharacters:
      return
        "name the weights with --weights FILE, a tokenizer with --tokenizer FILE, or a text with --data FILE"
    case .empty: return "write something into it, or name another file"
    case .tooShort: return "use a longer text, or compile a model with a shorter context"
    case .notUTF8: return "convert it to UTF-8, for instance with iconv"
    case .utf16(let path): return TextBytes.conversionHint(path)
    case .tooManyCharacters(_, let distinct, _, let line):
      let place = line.map { "in \($0)" } ?? "in the model"
      return "\(place), make the vocabulary axis \(distinct) and compile again"
    case .unknownCharacters(_, let error): return error.hint
    case .lostCharacters: return "use a byte-level tokenizer, or one trained on this text"
    case .tokenizer(let error): return error.hint
    case .tooManyTokens(let tokens, _, let line):
      let place = line.map { "in \($0)" } ?? "in the model"
      return "\(place), make the vocabulary axis \(tokens) or more and compile again"
    case .otherTokenizer:
      return "weights, shards and --tokenizer must come from one tokenizer; weights bring theirs "
        + "along, so --tokenizer can be left out"
    case .shards(let error): return error.hint
    }
  }
}
