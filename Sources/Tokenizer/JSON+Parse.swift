extension JSON {
  /// Parses a whole text, UTF-8.
  package static func parse(_ text: [UInt8]) throws(Failure) -> JSON {
    var parser = JSONParser(text: text)
    parser.skipMark()
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    if parser.position < text.count { throw parser.failure("something follows the value") }
    return value
  }
}

/// Recursive descent over bytes.
struct JSONParser {
  let text: [UInt8]
  private(set) var position = 0
  private static let deepest = 64

  init(text: [UInt8]) { self.text = text }

  mutating func value(depth: Int) throws(JSON.Failure) -> JSON {
    guard depth < Self.deepest else { throw failure("it is nested too deeply") }
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  func failure(_ reason: String) -> JSON.Failure {
    JSON.Failure(offset: position, reason: reason)
  }

  /// A byte-order mark, as some editors put before a text.
  mutating func skipMark() {
    if text.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
  }

  mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x9 || byte == 0xa || byte == 0xd {
      position += 1
    }
  }

  private var peek: UInt8? { position < text.count ? text[position] : nil }

  private mutating func accepts(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(JSON.Failure) {
    if !accepts(character) { throw failure("'\(character)' is expected") }
  }

  private mutating func object(depth: Int) throws(JSON.Failure) -> JSON {
    var members: [JSON.Member] = []
    position += 1
    if accepts("}") { return .object([]) }
    repeat {
      skipSpace()
      let key = try string()
      try expect(":")
      members.append(.init(key: key, value: try value(depth: depth + 1)))
    } while accepts(",")
    try expect("}")
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSON.Failure) -> JSON {
    var elements: [JSON] = []
    position += 1
    if accepts("]") { return .array([]) }
    repeat {
      elements.append(try value(depth: depth + 1))
    } while accepts(",")
    try expect("]")
    return .array(elements)
  }

  private mutating func number() throws(JSON.Failure) -> JSON {
    let start = position
    while let byte = peek, Self.numeric.contains(byte) { position += 1 }
    guard Double(String(decoding: text[start..<position], as: UTF8.self)) != nil else {
      throw failure("a value is expected")
    }
    return .number(Array(text[start..<position]))
  }

  private static let numeric = Array("+-.0123456789eE".utf8)

  private mutating func word(_ word: String, _ value: JSON) throws(JSON.Failure) -> JSON {
    guard text[position...].starts(with: word.utf8) else { throw failure("a value is expected") }
    position += word.utf8.count
    return value
  }
}

// MARK: - Strings

extension JSONParser {
  private mutating func string() throws(JSON.Failure) -> [UInt8] {
    try expect("\"")
    var bytes: [UInt8] = []
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return bytes
      case UInt8(ascii: "\\"): bytes += Array(String(try escape()).utf8)
      case 0..<0x20: throw failure("a control character is in a string")
      default: bytes.append(byte)
      }
    }
    throw failure("a string has no end")
  }

  private mutating func escape() throws(JSON.Failure) -> Unicode.Scalar {
    guard let byte = peek else { throw failure("a string has no end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("an escape is unknown")
    }
  }

  /// One scalar, from one `\uXXXX` or from a pair of surrogates.
  private mutating func unicodeEscape() throws(JSON.Failure) -> Unicode.Scalar {
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xdc00, text[position...].starts(with: [0x5c, 0x75]) else {
      throw failure("a lone surrogate")
    }
    position += 2
    let second = try fourDigits()
    guard (0xdc00...0xdfff).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { throw failure("a lone surrogate") }
    return scalar
  }

  private mutating func fourDigits() throws(JSON.Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("four hexadecimal digits are expected")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
