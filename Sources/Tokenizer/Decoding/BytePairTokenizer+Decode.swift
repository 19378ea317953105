extension BytePairTokenizer {
  /// The text of tokens; numbers that no token has are left out. `skippingSpecial` leaves out
  /// special tokens, too.
  public func decode(_ tokens: some Sequence<Int32>, skippingSpecial: Bool = true) -> String {
    let skipped = skippingSpecial ? specialTokens : []
    if decoders == [.byteLevel] {
      var bytes: [UInt8] = []
      for token in tokens where !skipped.contains(token) { bytes += texts[token] }
      return String(decoding: bytes, as: UTF8.self)
    }
    let known = tokens.compactMap { token -> [UInt8]? in
      contents.indices.contains(Int(token)) && !skipped.contains(token)
        ? contents[Int(token)] : nil
    }
    guard let decoders else {
      return String(decoding: Array(known.joined(separator: [0x20])), as: UTF8.self)
    }
    let decoded = decoders.reduce(known) { $1.decode($0) }
    return String(decoding: Array(decoded.joined()), as: UTF8.self)
  }

  /// How many characters of text begin in each token, by number: what turns losses per token into
  /// losses per character. A token for unknown characters counts as one; special tokens are no
  /// text, and count nothing unless asked for.
  public func characterCounts(countingSpecial: Bool = false) -> [Int32] {
    var counts = texts.characterCounts()
    if !countingSpecial {
      for token in specialTokens { counts[Int(token)] = 0 }
    }
    if let unknown = model.options.unknown, let token = model.ids[unknown] {
      counts[Int(token)] = 1
    }
    return counts
  }
}

/// Turns tokens into text one by one, as a model writes them: what comes out is valid UTF-8 at
/// any time, and together it is the text of all tokens.
///
/// A character of several tokens comes with the last of them. In files without a decoder
/// tokens follow each other without the spaces that the `tokenizers` package puts between them.
public struct TextStream {
  private let tokenizer: BytePairTokenizer
  private let skipsSpecial: Bool
  private var pending: [UInt8] = []
  private var isAtStart = true

  public init(_ tokenizer: BytePairTokenizer, skippingSpecial: Bool = true) {
    self.tokenizer = tokenizer
    skipsSpecial = skippingSpecial
  }

  /// The text that a token completes, perhaps none.
  public mutating func append(_ token: Int32) -> String {
    if skipsSpecial, tokenizer.specialTokens.contains(token) { return "" }
    pending += tokenizer.texts[token]
    let complete = pending.count - TextStream.unfinished(pending)
    defer { pending.removeFirst(complete) }
    return stripped(String(decoding: pending[..<complete], as: UTF8.self))
  }

  /// What is left at the end: U+FFFD for a character that was never completed.
  public mutating func finish() -> String {
    defer { pending = [] }
    return stripped(String(decoding: pending, as: UTF8.self))
  }

  private mutating func stripped(_ text: String) -> String {
    guard isAtStart, !text.isEmpty else { return text }
    isAtStart = false
    guard let (character, count) = tokenizer.texts.leading else { return text }
    let leading = text.unicodeScalars.prefix(count).prefix { $0 == character }.count
    return String(text.unicodeScalars.dropFirst(leading))
  }

  /// How many bytes at the end may be the beginning of a character.
  static func unfinished(_ bytes: [UInt8]) -> Int {
    for length in 1..<4 where length <= bytes.count {
      let first = bytes[bytes.count - length]
      if first & 0xc0 == 0x80 { continue }
      let size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
      guard size > length else { return 0 }
      // The start of a character that can still be one decodes to a single replacement.
      let start = String(decoding: bytes.suffix(length), as: UTF8.self)
      return start.unicodeScalars.count == 1 ? length : 0
    }
    return 0
  }
}
