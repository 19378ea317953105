import Foundation
import SystemFiles
import Tokenizer

/// Writes a corpus as token shards; memory holds one shard, however long the texts are.
public struct TokenShardWriter {
  private let folder: String
  private let tokenizer: BytePairTokenizer
  private let shardTokens: Int
  private let separator: Int32?
  private let characterCounts: [Int32]
  private var encoder: TokenEncoder
  private var header: TokenShardHeader
  private var pending: [Int32] = []

  /// Tokens of a shard where nothing else is asked for.
  public static let usualShardTokens = 1 << 24

  /// How many tokens and characters were written.
  public private(set) var tokens = 0
  public private(set) var characters = 0
  /// How many shards there are.
  public private(set) var shards = 0

  /// Begins a folder, made if there is none. `separator` is the name of a token that is put after
  /// each text. Errors: shards are there already, no such token, not to be written.
  public init(
    folder: String, tokenizer: BytePairTokenizer, separator: String? = nil,
    shardTokens: Int = usualShardTokens
  ) throws(TokenShardError) {
    // A folder that leads nowhere stays as it is, to be refused.
    self.folder = PlainPath.of(folder) ?? folder
    self.tokenizer = tokenizer
    self.shardTokens = max(1, shardTokens)
    if let separator {
      guard let token = tokenizer.token(named: separator) else { throw .noSeparator(separator) }
      self.separator = token
    } else {
      self.separator = nil
    }
    characterCounts = tokenizer.characterCounts()
    encoder = TokenEncoder(tokenizer)
    header = TokenShardHeader(tokenizer: tokenizer.fingerprint)
    header.width = tokenizer.count <= 1 << 16 ? 2 : 4
    try begin()
  }

  private func begin() throws(TokenShardError) {
    guard PlainPath.of(folder) != nil else {
      throw .file(FileError(operation: "write", path: folder, code: errno))
    }
    let manager = FileManager.default
    guard NewFolder.make(folder) == 0 else {
      throw .file(FileError(operation: "make", path: folder, code: errno))
    }
    let names = (try? manager.contentsOfDirectory(atPath: folder)) ?? []
    if names.contains(where: { $0.hasSuffix(".tokens") }) { throw .occupied(folder: folder) }
    do throws(FileError) {
      let json = String(decoding: tokenizer.json, as: UTF8.self)
      try AtomicFile.write(json, to: folder + "/" + TokenShards.tokenizerName)
    } catch {
      throw .file(error)
    }
  }

  /// Adds a text file, without a byte-order mark at its start. Errors: unreadable, not UTF-8, not
  /// to be written.
  public mutating func add(_ path: String) throws {
    let file = try MappedFile(path: path)
    let text = try CorpusText.checked(file.bytes.bindMemory(to: UInt8.self), path)
    var encoder = encoder
    try withExtendedLifetime(file) {
      try encoder.encode(validUTF8: text) { try append($0) }
    }
    self.encoder = encoder
    if let separator { try append([separator]) }
  }

  private mutating func append(_ new: [Int32]) throws(TokenShardError) {
    pending += new
    // More tokens are there, so this is not the last shard.
    while pending.count > shardTokens {
      try write(pending[..<shardTokens], isLast: false)
      pending.removeFirst(shardTokens)
    }
  }

  /// Writes the last shard. Without it the folder counts as unfinished.
  public mutating func finish() throws(TokenShardError) {
    try write(pending[...], isLast: true)
    pending = []
  }

  private mutating func write(
    _ part: ArraySlice<Int32>, isLast: Bool
  ) throws(TokenShardError) {
    header.count = part.count
    header.characters = TokenSource.sum(of: characterCounts, over: part)
    header.isLast = isLast
    var bytes = header.bytes
    bytes.reserveCapacity(bytes.count + part.count * header.width)
    for token in part {
      for byte in 0..<header.width { bytes.append(UInt8(truncatingIfNeeded: token >> (8 * byte))) }
    }
    do throws(FileError) {
      let file = try AtomicFile(replacing: folder + "/" + TokenShards.name(header.index))
      try file.write(bytes)
      try file.commit()
    } catch {
      throw .file(error)
    }
    tokens += part.count
    characters += header.characters
    shards += 1
    header.index += 1
    header.start += part.count
  }
}
