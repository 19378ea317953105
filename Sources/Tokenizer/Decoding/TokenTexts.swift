/// The bytes that each token adds to a text, all in one array.
struct TokenTexts: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  /// Up to so many of a character are taken from the start of the whole text.
  let leading: (character: Unicode.Scalar, count: Int)?

  init(_ contents: [[UInt8]?], _ decoders: [TokenDecoder]) {
    var leading: (Unicode.Scalar, Int)?
    if let fuse = decoders.firstIndex(of: .fuse) {
      for case .strip(let character, let start, _) in decoders[fuse...] where start > 0 {
        leading = (character, start)
      }
    }
    for case .metaspace(_, strips: true) in decoders { leading = (" ", Int.max) }
    self.leading = leading
    for content in contents {
      bytes += TokenTexts.bytes(of: content ?? [], decoders)
      ends.append(bytes.count)
    }
  }

  /// The bytes of one token, none for a number that no token has.
  subscript(token: Int32) -> ArraySlice<UInt8> {
    guard ends.indices.contains(Int(token)) else { return [] }
    return bytes[(token == 0 ? 0 : ends[Int(token) - 1])..<ends[Int(token)]]
  }

  /// How many characters begin in each token.
  func characterCounts() -> [Int32] {
    ends.indices.map { token in
      Int32(self[Int32(token)].count { $0 & 0xc0 != 0x80 })
    }
  }

  private static func bytes(of content: [UInt8], _ decoders: [TokenDecoder]) -> [UInt8] {
    var bytes = content
    var isFused = false
    for decoder in decoders {
      switch decoder {
      case .byteLevel: bytes = ByteCharacters.bytes(of: bytes)
      case .byteFallback: bytes = BytePairModel.byte(ofToken: bytes).map { [$0] } ?? bytes
      case .fuse: isFused = true
      case .replace: bytes = decoder.decode([bytes])[0]
      case .metaspace(let character, _):
        bytes = TokenDecoder.metaspace(character, strips: false).decode([bytes])[0]
      case .strip: if !isFused { bytes = decoder.decode([bytes])[0] }
      }
    }
    return bytes
  }
}
