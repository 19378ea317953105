/// Why a tokenizer cannot be read, made or written.
public enum TokenizerError: Error, Equatable, Sendable {
  case unreadable(path: String, reason: String)
  /// The file is no JSON, from `offset` on.
  case notJSON(path: String, offset: Int, reason: String)
  /// A part of the file is not as it must be.
  case malformed(path: String, part: String, reason: String)
  /// A part is of a type that this cannot do.
  case unsupported(path: String, part: String, type: String)
  /// A merge names a token that the vocabulary lacks; `line` counts from 1.
  case unknownMergeToken(path: String, line: Int, token: String)
  /// Fewer tokens were asked for than bytes and special tokens need.
  case tooSmall(asked: Int, needed: Int)

  /// What is wrong, and where, on one line.
  public var message: String {
    switch self {
    case .unreadable(let path, let reason):
      return "cannot read \(path): \(reason)"
    case .notJSON(let path, let offset, let reason):
      return "\(path) is not JSON: \(reason) at byte \(offset)"
    case .malformed(let path, let part, let reason):
      return "\(path) is no usable tokenizer: \(part) \(reason)"
    case .unsupported(let path, let part, let type):
      return "\(path) needs what moec does not have: its \(part) is \(type)"
    case .unknownMergeToken(let path, let line, let token):
      return "\(path) is no usable tokenizer: merge \(line) needs the token \"\(token)\", "
        + "which is not in the vocabulary"
    case .tooSmall(let asked, let needed):
      return "a vocabulary of \(asked) is too small: bytes and special tokens alone are \(needed)"
    }
  }

  /// What to do about it, on one line.
  public var hint: String {
    switch self {
    case .unreadable: return "check the name, or make one with 'moec tokenizer train'"
    case .notJSON, .malformed, .unknownMergeToken:
      return "give a tokenizer.json as Hugging Face's tokenizers write it, or as "
        + "'moec tokenizer train' makes one"
    case .unsupported:
      return "models of type BPE are supported, over characters or ByteLevel, with Prepend and "
        + "Replace as normalizers and ByteLevel, ByteFallback, Fuse, Strip and Replace as decoders"
    case .tooSmall(_, let needed): return "ask for \(needed) or more with --vocabulary"
    }
  }
}
