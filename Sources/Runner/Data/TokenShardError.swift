import SystemFiles
import Tokenizer
import Words

/// What is wrong with one shard.
public enum TokenShardProblem: Error, Equatable, Sendable {
  case truncated(bytes: Int, needed: Int)
  case tooLong(bytes: Int, needed: Int)
  case foreign
  case version(Int)
  case damagedHeader
  /// It was made with another tokenizer than the one in the folder.
  case otherTokenizer
  /// It is not the one that comes next in the folder.
  case outOfPlace(expected: Int, found: Int)
  /// It is the last in the folder, and more were written.
  case notTheLast

  var text: String {
    switch self {
    case .truncated(let bytes, let needed):
      return "is cut off: \(bytes.grouped) of \(needed.grouped) bytes"
    case .tooLong(let bytes, let needed):
      return "has \(bytes.grouped) bytes where \(needed.grouped) belong"
    case .foreign: return "is no token shard"
    case .version(let version): return "is of version \(version), this moec reads 1"
    case .damagedHeader: return "has a damaged header"
    case .otherTokenizer: return "was made with another tokenizer than the folder's tokenizer.json"
    case .outOfPlace(let expected, let found):
      return "is shard \(found.grouped) of its corpus where shard \(expected.grouped) belongs"
    case .notTheLast: return "is not the last of its corpus: shards after it are missing"
    }
  }
}

/// Why a folder of token shards cannot be used or written.
public enum TokenShardError: ExplainedError, Equatable {
  case file(FileError)
  case tokenizer(TokenizerError)
  case shard(path: String, TokenShardProblem)
  /// There is no shard in the folder.
  case noShards(folder: String)
  /// The folder to write has shards already.
  case occupied(folder: String)
  /// The tokenizer has no token of this name.
  case noSeparator(String)

  public var message: String {
    switch self {
    case .file(let error): return error.message
    case .tokenizer(let error): return error.message
    case .shard(let path, let problem): return "\(path) \(problem.text)"
    case .noShards(let folder): return "\(folder) has no token shards"
    case .occupied(let folder): return "\(folder) has token shards already"
    case .noSeparator(let name): return "the tokenizer has no token \"\(name)\""
    }
  }

  public var hint: String {
    switch self {
    case .file(let error): return error.hint
    case .tokenizer(let error): return error.hint
    case .shard, .noShards: return "write the folder anew with 'moec tokenizer shard'"
    case .occupied: return "name another folder, or remove this one first"
    case .noSeparator: return "name one of its special tokens"
    }
  }
}
