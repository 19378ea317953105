/// The characters that stand for bytes in byte-level vocabularies: printable ones of Latin-1 for
/// themselves, the other 68 bytes in order for U+0100 and up, so that a space is `Ġ`.
enum ByteCharacters {
  /// The character of each byte.
  static let characters: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0...255).map { (byte: UInt8) in
      switch byte {
      case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? "\u{fffd}"
      }
    }
  }()

  /// The characters sorted by code point, as a vocabulary begins.
  static let sorted = characters.sorted { $0.value < $1.value }

  /// The byte of a character below U+0144, -1 for one that stands for none.
  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, character) in characters.enumerated() { bytes[Int(character.value)] = Int16(byte) }
    return bytes
  }()

  /// The byte that a character stands for.
  static func byte(of character: Unicode.Scalar) -> UInt8? {
    guard character.value < 0x144 else { return nil }
    let byte = bytes[Int(character.value)]
    return byte < 0 ? nil : UInt8(byte)
  }

  /// The bytes that a token stands for; its own UTF-8 if one of its characters stands for none.
  static func bytes(of token: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
      guard let byte = byte(of: scalar) else { return token }
      bytes.append(byte)
    }
    return bytes
  }

  /// Bytes written as characters, UTF-8.
  static func text(of bytes: some Sequence<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    for byte in bytes { text += Array(String(characters[Int(byte)]).utf8) }
    return text
  }
}
