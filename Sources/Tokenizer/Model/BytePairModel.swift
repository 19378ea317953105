/// The tokens of a vocabulary and the merges that make the longer ones.
struct BytePairModel: Sendable {
  /// Two tokens that become one; merges of lower rank go first.
  struct Merge: Equatable, Sendable {
    var first: Int32
    var second: Int32
    var result: Int32
  }

  /// The text of each token, by number; nil for numbers that no token has.
  let contents: [[UInt8]?]
  /// The number of each token's text.
  let ids: [[UInt8]: Int32]
  /// By rank. Of two with the same pair the later one holds.
  let merges: [Merge]
  var options: Options
  /// The rank of each pair.
  let ranks: PairTable
  /// Tokens of single characters below U+0250, -1 for none; others are looked up in `ids`.
  private let characters: [Int32]

  /// The switches of Hugging Face's BPE model.
  struct Options: Equatable, Sendable {
    /// The token of characters that no token has; they are left out if there is none.
    var unknown: [UInt8]?
    /// Whether neighbours without a token share one `unknown`.
    var fusesUnknown = false
    /// Whether characters without a token become the tokens `<0x00>` to `<0xFF>` of their bytes.
    var fallsBackToBytes = false
    /// Whether a piece that is a token needs no merges.
    var ignoresMerges = false
  }

  init(contents: [[UInt8]?], merges: [Merge], options: Options = Options()) {
    self.contents = contents
    self.merges = merges
    self.options = options
    var ids: [[UInt8]: Int32] = [:]
    var characters = [Int32](repeating: -1, count: 0x250)
    for (id, content) in contents.enumerated() {
      guard let content else { continue }
      ids[content] = Int32(id)
      if let scalar = BytePairModel.onlyCharacter(of: content), scalar.value < 0x250 {
        characters[Int(scalar.value)] = Int32(id)
      }
    }
    self.ids = ids
    self.characters = characters
    var ranks = PairTable(minimumCapacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      ranks.set(PairTable.key(merge.first, merge.second), Int32(rank))
    }
    self.ranks = ranks
  }

  /// The token of one character, nil for none.
  @inline(__always)
  func token(of character: Unicode.Scalar) -> Int32? {
    if character.value < 0x250 {
      let token = characters[Int(character.value)]
      return token < 0 ? nil : token
    }
    return ids[Array(String(character).utf8)]
  }

  private static func onlyCharacter(of content: [UInt8]) -> Unicode.Scalar? {
    guard content.count <= 2 else { return nil }
    let scalars = String(decoding: content, as: UTF8.self).unicodeScalars
    return scalars.count == 1 ? scalars.first : nil
  }

  /// The tokens of a character's bytes, if there is one for each.
  func byteTokens(of character: Unicode.Scalar) -> [Int32]? {
    var tokens: [Int32] = []
    for byte in String(character).utf8 {
      guard let token = ids[BytePairModel.byteToken(byte)] else { return nil }
      tokens.append(token)
    }
    return tokens
  }

  /// `<0x0A>`.
  static func byteToken(_ byte: UInt8) -> [UInt8] {
    let digits = String(byte, radix: 16, uppercase: true)
    return Array("<0x\(byte < 0x10 ? "0" : "")\(digits)>".utf8)
  }

  /// The byte of `<0x0A>`, nil for other tokens.
  static func byte(ofToken token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else {
      return nil
    }
    let digits = token[3..<5]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
