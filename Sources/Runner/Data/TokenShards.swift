import Foundation
import SystemFiles
import Tokenizer

/// A corpus as tokens on disk: a folder with a `tokenizer.json` and the shards `000000.tokens`,
/// `000001.tokens` and so on, mapped and never read as a whole.
struct TokenShards: Sendable {
  let tokenizer: BytePairTokenizer
  /// How many tokens there are in all.
  let count: Int
  private let shards: [Shard]

  private struct Shard: Sendable {
    var file: MappedFile
    var start: Int
    var count: Int
    var width: Int
    var characters: Int
  }

  static let tokenizerName = "tokenizer.json"

  static func name(_ index: Int) -> String {
    String(repeating: "0", count: max(0, 6 - "\(index)".count)) + "\(index).tokens"
  }

  /// Opens a folder and checks every shard's header and size. Errors: unreadable, cut off,
  /// foreign, out of place or missing shards.
  init(folder: String) throws(TokenShardError) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let paths = names.filter { $0.hasSuffix(".tokens") }.sorted().map { folder + "/" + $0 }
    guard !paths.isEmpty else { throw .noShards(folder: folder) }
    do throws(TokenizerError) {
      tokenizer = try BytePairTokenizer(path: folder + "/" + Self.tokenizerName)
    } catch {
      throw .tokenizer(error)
    }
    let fingerprint = tokenizer.fingerprint
    var shards: [Shard] = []
    for (index, path) in paths.enumerated() {
      let shard = try Self.open(path, fingerprint, after: shards.last, index, of: paths.count)
      shards.append(shard)
    }
    self.shards = shards
    count = shards.reduce(0) { $0 + $1.count }
  }

  private static func open(
    _ path: String, _ fingerprint: UInt64, after previous: Shard?, _ index: Int, of total: Int
  ) throws(TokenShardError) -> Shard {
    let file: MappedFile
    do throws(FileError) {
      file = try MappedFile(path: path)
    } catch {
      throw .file(error)
    }
    let header: TokenShardHeader
    do throws(TokenShardProblem) {
      header = try TokenShardHeader(file.bytes)
      guard header.tokenizer == fingerprint else { throw .otherTokenizer }
      let start = previous.map { $0.start + $0.count } ?? 0
      guard header.index == index, header.start == start else {
        throw .outOfPlace(expected: index, found: header.index)
      }
      guard header.isLast == (index == total - 1) else {
        throw header.isLast ? .outOfPlace(expected: total - 1, found: index) : .notTheLast
      }
    } catch {
      throw .shard(path: path, error)
    }
    return Shard(
      file: file, start: header.start, count: header.count, width: header.width,
      characters: header.characters)
  }

  /// The token at a position, counted over all shards.
  subscript(position: Int) -> Int32 {
    let shard = shards[shardIndex(of: position)]
    let offset = TokenShardHeader.size + (position - shard.start) * shard.width
    let bytes = shard.file.bytes
    guard shard.width == 4 else {
      return Int32(
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }
    let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return Int32(truncatingIfNeeded: UInt32(littleEndian: word))
  }

  /// The last shard that begins at or before a position.
  private func shardIndex(of position: Int) -> Int {
    var low = 0
    var high = shards.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if shards[middle].start <= position { low = middle } else { high = middle }
    }
    return low
  }

  /// How many characters the tokens before a position are; of one shard at most the tokens are
  /// looked at.
  func characters(before position: Int) -> Int {
    guard position < count else { return shards.reduce(0) { $0 + $1.characters } }
    let index = shardIndex(of: position)
    let counts = tokenizer.characterCounts()
    let whole = shards[..<index].reduce(0) { $0 + $1.characters }
    return (shards[index].start..<position).reduce(whole) { sum, position in
      let token = Int(self[position])
      return sum + (counts.indices.contains(token) ? Int(counts[token]) : 0)
    }
  }
}
