/// Tokens in memory or on disk, all or a part of them.
public struct TokenSource: RandomAccessCollection, Sendable {
  private enum Storage: Sendable {
    case memory([Int32])
    case shards(TokenShards)
  }

  private let storage: Storage
  /// Where this part begins in the storage.
  private let offset: Int
  public let endIndex: Int

  public var startIndex: Int { 0 }

  init(_ tokens: [Int32]) {
    storage = .memory(tokens)
    offset = 0
    endIndex = tokens.count
  }

  /// The tokens of shards at the positions `range`.
  init(_ shards: TokenShards, _ range: Range<Int>) {
    storage = .shards(shards)
    offset = range.lowerBound
    endIndex = range.count
  }

  public subscript(position: Int) -> Int32 {
    switch storage {
    case .memory(let tokens): return tokens[offset + position]
    case .shards(let shards): return shards[offset + position]
    }
  }
}
