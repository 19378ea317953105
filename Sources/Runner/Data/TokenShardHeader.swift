/// The first 64 bytes of a token shard; numbers are little-endian.
///
/// | at | bytes | what |
/// |---|---|---|
/// | 0 | 8 | `MOECTOKS` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | bytes of each token, 2 or 4 |
/// | 16 | 8 | fingerprint of the tokenizer (FNV-1a of its `tokenizer.json`) |
/// | 24 | 8 | tokens in the shards before |
/// | 32 | 8 | tokens in this shard |
/// | 40 | 8 | characters of text in this shard |
/// | 48 | 4 | this shard's place, from 0 |
/// | 52 | 4 | 1 in the last shard, else 0 |
/// | 56 | 8 | FNV-1a of the 56 bytes before |
/// | 64 | | the tokens, unsigned |
struct TokenShardHeader: Equatable {
  var width = 2
  var tokenizer: UInt64
  var start = 0
  var count = 0
  var characters = 0
  var index = 0
  var isLast = false

  static let size = 64
  static let version = 1
  private static let magic = Array("MOECTOKS".utf8)

  var bytes: [UInt8] {
    var bytes = Self.magic
    func append(_ number: UInt64, _ width: Int) {
      bytes += (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    append(UInt64(Self.version), 4)
    append(UInt64(width), 4)
    append(tokenizer, 8)
    append(UInt64(start), 8)
    append(UInt64(count), 8)
    append(UInt64(characters), 8)
    append(UInt64(index), 4)
    append(isLast ? 1 : 0, 4)
    append(Self.hash(bytes[...]), 8)
    return bytes
  }

  init(tokenizer: UInt64) { self.tokenizer = tokenizer }

  /// Reads a header at the start of a file of `file.count` bytes. Errors: why it is none.
  init(_ file: UnsafeRawBufferPointer) throws(TokenShardProblem) {
    guard file.count >= Self.size else { throw .truncated(bytes: file.count, needed: Self.size) }
    let header = Array(file[..<Self.size])
    func number(_ offset: Int, _ width: Int) -> UInt64 {
      (0..<width).reduce(0) { $0 | UInt64(header[offset + $1]) << (8 * $1) }
    }
    guard header.starts(with: Self.magic) else { throw .foreign }
    guard number(8, 4) == Self.version else { throw .version(Int(number(8, 4))) }
    guard number(56, 8) == Self.hash(header[..<56]) else { throw .damagedHeader }
    width = Int(number(12, 4))
    tokenizer = number(16, 8)
    start = Int(truncatingIfNeeded: number(24, 8))
    count = Int(truncatingIfNeeded: number(32, 8))
    characters = Int(truncatingIfNeeded: number(40, 8))
    index = Int(number(48, 4))
    isLast = number(52, 4) == 1
    let limit = 1 << 48
    guard width == 2 || width == 4, (0..<limit).contains(start), (0..<limit).contains(count),
      (0..<limit).contains(characters)
    else { throw .damagedHeader }
    let needed = Self.size + count * width
    guard file.count >= needed else { throw .truncated(bytes: file.count, needed: needed) }
    guard file.count == needed else { throw .tooLong(bytes: file.count, needed: needed) }
  }

  private static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }
}
