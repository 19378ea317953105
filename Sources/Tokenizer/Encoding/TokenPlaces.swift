extension BytePairTokenizer {
  /// Which bytes of a text's UTF-8 each of its tokens stands for, [tokens]; nil where that cannot be told,
  /// because a normalizer changed the text or it has what no token stands for.
  ///
  /// A space that was put before a piece is no byte of the text, and white space that an added token took
  /// along is none of any token.
  public func places(of tokens: [Int32], in text: [UInt8]) -> [Range<Int>]? {
    let added = Dictionary(addedTokens.map { ($0.id, $0.content) }) { first, _ in first }
    var places: [Range<Int>] = []
    places.reserveCapacity(tokens.count)
    var position = 0
    for token in tokens {
      let bytes = added[token].map { $0[...] } ?? texts[token]
      guard let place = Self.place(of: bytes, from: position, in: text) else { return nil }
      places.append(place)
      position = place.upperBound
    }
    return text[position...].allSatisfy(Self.isSpace) ? places : nil
  }

  private static func place(
    of bytes: ArraySlice<UInt8>, from start: Int, in text: [UInt8]
  ) -> Range<Int>? {
    if text[start...].starts(with: bytes) { return start..<start + bytes.count }
    if bytes.first == 0x20, text[start...].starts(with: bytes.dropFirst()) {
      return start..<start + bytes.count - 1
    }
    var behind = start
    while behind < text.count, isSpace(text[behind]) { behind += 1 }
    guard behind > start, text[behind...].starts(with: bytes) else { return nil }
    return behind..<behind + bytes.count
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x9...0xd).contains(byte) }
}
