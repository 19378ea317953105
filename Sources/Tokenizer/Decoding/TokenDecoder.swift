/// A step on the way from tokens back to text.
enum TokenDecoder: Equatable, Sendable {
  /// Characters stand for bytes: `Ġ` is a space.
  case byteLevel
  /// `<0x0A>` is a byte.
  case byteFallback
  /// All tokens become one.
  case fuse
  /// Up to so many of a character are taken from each token's ends.
  case strip(Unicode.Scalar, start: Int, stop: Int)
  case replace([UInt8], with: [UInt8])
  /// A character stands for a space, but those of the first token for nothing where one was put there.
  case metaspace(Unicode.Scalar, strips: Bool)

  /// Texts of tokens to texts of tokens.
  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    switch self {
    case .byteLevel: return [TokenDecoder.repaired(tokens.flatMap(ByteCharacters.bytes))]
    case .byteFallback: return TokenDecoder.withBytes(tokens)
    case .fuse: return [Array(tokens.joined())]
    case .strip(let character, let start, let stop):
      return tokens.map { TokenDecoder.strip($0, character, start, stop) }
    case .replace(let pattern, let content):
      return tokens.map { Normalizer.replace(pattern, content, in: $0) }
    case .metaspace(let character, let strips):
      let mark = Array(String(character).utf8)
      return tokens.enumerated().map { index, token in
        Normalizer.replace(mark, index == 0 && strips ? [] : [0x20], in: token)
      }
    }
  }

  /// UTF-8 in which U+FFFD is put for what is none.
  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    Array(String(decoding: bytes, as: UTF8.self).utf8)
  }

  /// Runs of byte tokens as text; U+FFFD for each of them if the run is no UTF-8.
  private static func withBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var texts: [[UInt8]] = []
    var run: [UInt8] = []
    func flush() {
      guard !run.isEmpty else { return }
      if String(validating: run, as: UTF8.self) != nil {
        texts.append(run)
      } else {
        texts += repeatElement(Array("\u{fffd}".utf8), count: run.count)
      }
      run = []
    }
    for token in tokens {
      if let byte = BytePairModel.byte(ofToken: token) {
        run.append(byte)
      } else {
        flush()
        texts.append(token)
      }
    }
    flush()
    return texts
  }

  private static func strip(
    _ token: [UInt8], _ character: Unicode.Scalar, _ start: Int, _ stop: Int
  ) -> [UInt8] {
    var scalars = Array(String(decoding: token, as: UTF8.self).unicodeScalars)
    let leading = scalars.prefix(start).prefix { $0 == character }.count
    scalars.removeFirst(leading)
    var trailing = 0
    while trailing < stop, let last = scalars.last, last == character {
      scalars.removeLast()
      trailing += 1
    }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return Array(String(text).utf8)
  }
}
