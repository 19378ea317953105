/// Turns texts into tokens and remembers pieces that it has seen, so that one encoder is quicker
/// on many texts than many on one each.
public struct TokenEncoder {
  private let tokenizer: BytePairTokenizer
  private var cache = PieceCache()
  private var merger = PieceMerger()
  /// Tokens that were not handed out yet.
  private var output: [Int32] = []
  private var flush: ([Int32]) throws -> Void = { _ in }
  /// Whether nothing of the text was encoded yet.
  private var isFirst = true

  /// Tokens are handed out when there are so many, at the next border of pieces.
  private static let portion = 1 << 16
  /// A text without merges is cut every so many bytes: its tokens do not depend on each other.
  private static let stretch = 1 << 16

  public init(_ tokenizer: BytePairTokenizer) { self.tokenizer = tokenizer }

  /// Encodes a text of valid UTF-8, handing out its tokens in portions.
  ///
  /// Memory does not grow with the text, unless a vocabulary with merges comes without a
  /// pre-tokenizer or with a normalizer: those see the text as a whole.
  public mutating func encode(
    validUTF8 text: UnsafeBufferPointer<UInt8>, write: ([Int32]) throws -> Void
  ) throws {
    try withoutActuallyEscaping(write) { write in
      flush = write
      isFirst = true
      defer {
        flush = { _ in }
        output.removeAll()
      }
      try encodeParts(text)
      if !output.isEmpty { try write(output) }
    }
  }

  private mutating func encodeParts(_ text: UnsafeBufferPointer<UInt8>) throws {
    for part in tokenizer.matchers.plain.parts(of: text) {
      let slice = UnsafeBufferPointer(rebasing: text[part.range])
      if let token = part.token {
        output.append(token)
        isFirst = false
      } else if tokenizer.normalizers.isEmpty {
        try encodeNormalized(slice)
      } else {
        let normalized = tokenizer.normalizers.normalize(Array(slice))
        try normalized.withUnsafeBufferPointer { try encodeNormalized($0) }
      }
    }
  }

  private mutating func encodeNormalized(_ text: UnsafeBufferPointer<UInt8>) throws {
    for part in tokenizer.matchers.normalized.parts(of: text) {
      let slice = UnsafeBufferPointer(rebasing: text[part.range])
      if let token = part.token {
        output.append(token)
        isFirst = false
      } else {
        try split(slice)
      }
    }
  }

  private mutating func split(_ text: UnsafeBufferPointer<UInt8>) throws {
    if tokenizer.splitting.steps.isEmpty, tokenizer.splitting.bytes == nil {
      return try encodeCharacters(text)
    }
    try split(text, step: 0)
    isFirst = false
  }

  /// The steps from that number on, then the piece's tokens.
  private mutating func split(_ text: UnsafeBufferPointer<UInt8>, step: Int) throws {
    let splitting = tokenizer.splitting
    if step < splitting.steps.count {
      return try splitting.steps[step].pieces(of: text, isFirst: isFirst) { piece in
        try split(piece, step: step + 1)
      }
    }
    isFirst = false
    guard let bytes = splitting.bytes else {
      encodePiece(text, ofBytes: false)
      return try flushIfFull()
    }
    if bytes.startsWithSpace, text.first != 0x20 {
      let spaced = [0x20] + Array(text)
      try spaced.withUnsafeBufferPointer { try encodeBytes($0, isSplit: bytes.isSplit) }
    } else {
      try encodeBytes(text, isSplit: bytes.isSplit)
    }
  }

  private mutating func flushIfFull() throws {
    guard output.count >= Self.portion else { return }
    try flush(output)
    output.removeAll(keepingCapacity: true)
  }
}

// MARK: - Pieces

extension TokenEncoder {
  private mutating func encodeBytes(
    _ text: UnsafeBufferPointer<UInt8>, isSplit: Bool
  ) throws {
    guard isSplit else {
      encodePiece(text, ofBytes: true)
      return try flushIfFull()
    }
    try UnicodeClasses.table.withUnsafeBufferPointer { classes in
      guard let classes = classes.baseAddress else { return }
      var scanner = PieceScanner(text, classes)
      while let range = scanner.next() {
        encodePiece(UnsafeBufferPointer(rebasing: text[range]), ofBytes: true)
        try flushIfFull()
      }
    }
  }

  /// A piece whose bytes, or characters, are the symbols.
  private mutating func encodePiece(_ piece: UnsafeBufferPointer<UInt8>, ofBytes: Bool) {
    if ofBytes, piece.count == 1, tokenizer.byteTokens[Int(piece[0])] >= 0 {
      output.append(tokenizer.byteTokens[Int(piece[0])])
      return
    }
    func mergeNow() { if ofBytes { merge(piece) } else { mergeCharacters(piece) } }
    guard piece.count <= PieceCache.longest else { return mergeNow() }
    let hash = PieceCache.hash(piece)
    if cache.append(piece, hash, to: &output) { return }
    let start = output.count
    mergeNow()
    cache.insert(piece, hash, output[start...])
  }

  private mutating func merge(_ piece: UnsafeBufferPointer<UInt8>) {
    let model = tokenizer.model
    if model.options.ignoresMerges, let token = model.ids[ByteCharacters.text(of: piece)] {
      output.append(token)
      return
    }
    merger.tokens.removeAll(keepingCapacity: true)
    var unknown = UnknownRun(model)
    for byte in piece {
      let token = tokenizer.byteTokens[Int(byte)]
      if token >= 0 {
        unknown.end(&merger.tokens)
        merger.tokens.append(token)
      } else {
        unknown.add(ByteCharacters.characters[Int(byte)], &merger.tokens)
      }
    }
    unknown.end(&merger.tokens)
    merger.merge(model)
    output += merger.tokens
  }
}

// MARK: - Characters

extension TokenEncoder {
  private mutating func encodeCharacters(_ text: UnsafeBufferPointer<UInt8>) throws {
    let options = tokenizer.model.options
    guard tokenizer.model.merges.isEmpty, !options.ignoresMerges, !options.fusesUnknown else {
      mergeCharacters(text)
      return try flushIfFull()
    }
    var start = 0
    while start < text.count {
      var end = min(start + Self.stretch, text.count)
      while end < text.count, text[end] & 0xc0 == 0x80 { end += 1 }
      mergeCharacters(UnsafeBufferPointer(rebasing: text[start..<end]))
      try flushIfFull()
      start = end
    }
  }

  /// A piece whose characters are the symbols.
  private mutating func mergeCharacters(_ piece: UnsafeBufferPointer<UInt8>) {
    let model = tokenizer.model
    if model.options.ignoresMerges, let token = model.ids[Array(piece)] {
      output.append(token)
      return
    }
    merger.tokens.removeAll(keepingCapacity: true)
    var unknown = UnknownRun(model)
    var decoder = UTF8()
    var iterator = piece.makeIterator()
    while case .scalarValue(let character) = decoder.decode(&iterator) {
      if let token = model.token(of: character) {
        unknown.end(&merger.tokens)
        merger.tokens.append(token)
      } else {
        unknown.add(character, &merger.tokens)
      }
    }
    unknown.end(&merger.tokens)
    merger.merge(model)
    output += merger.tokens
  }
}

/// Characters that no token has, in a row.
private struct UnknownRun {
  private let model: BytePairModel
  private var isOpen = false

  init(_ model: BytePairModel) { self.model = model }

  /// One more: the tokens of its bytes, or the token for unknown characters. That one is only
  /// written when the run ends or the next begins; bytes overtake it, as in the package.
  mutating func add(_ character: Unicode.Scalar, _ tokens: inout [Int32]) {
    if model.options.fallsBackToBytes, let bytes = model.byteTokens(of: character) {
      tokens += bytes
      return
    }
    if !model.options.fusesUnknown { end(&tokens) }
    isOpen = model.options.unknown != nil
  }

  mutating func end(_ tokens: inout [Int32]) {
    guard isOpen else { return }
    isOpen = false
    if let unknown = model.options.unknown, let token = model.ids[unknown] { tokens.append(token) }
  }
}

extension BytePairTokenizer {
  /// The tokens of a text.
  public func encode(_ text: String) -> [Int32] {
    var text = text
    return text.withUTF8 { encode(validUTF8: $0) }
  }

  /// The tokens of bytes; what is no UTF-8 in them becomes U+FFFD first.
  public func encode(_ bytes: [UInt8]) -> [Int32] { encode(String(decoding: bytes, as: UTF8.self)) }

  private func encode(validUTF8 text: UnsafeBufferPointer<UInt8>) -> [Int32] {
    var encoder = TokenEncoder(self)
    var tokens: [Int32] = []
    // Collecting tokens throws nothing.
    try? encoder.encode(validUTF8: text) { tokens += $0 }
    return tokens
  }
}
