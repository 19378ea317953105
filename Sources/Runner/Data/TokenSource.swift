import CText

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

  /// The tokens at the positions `range`.
  init(_ tokens: [Int32], _ range: Range<Int>) {
    storage = .memory(tokens)
    offset = range.lowerBound
    endIndex = range.count
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

  /// FNV-1a of every `step`-th token, going on from `hash`.
  func hash(every step: Int, from hash: UInt64) -> UInt64 {
    switch storage {
    case .memory(let tokens):
      return tokens[offset..<offset + count].withUnsafeBufferPointer { part in
        text_hash_tokens(part.baseAddress, part.count, step, hash)
      }
    case .shards:
      return stride(from: 0, to: count, by: step).reduce(hash) { hash, position in
        (hash ^ UInt64(UInt32(bitPattern: self[position]))) &* 0x100_0000_01b3
      }
    }
  }

  /// The sum of `counts[t]` over tokens, which must be indices of it.
  static func sum(of counts: [Int32], over tokens: ArraySlice<Int32>) -> Int {
    tokens.withUnsafeBufferPointer { Int(text_sum_counts($0.baseAddress, $0.count, counts)) }
  }
}
