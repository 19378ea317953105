/// Recursive descent over bytes that are known to be UTF-8.
struct JSONParser {
  private let text: [UInt8]
  private let rules: JSON.Rules
  private var position = 0

  init(text: [UInt8], rules: JSON.Rules) {
    self.text = text
    self.rules = rules
  }

  /// One value, with nothing but spaces around it.
  mutating func whole() throws(JSON.Failure) -> JSON {
    if rules.skipsMark, text.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    let value = try value(depth: 0)
    skipSpace()
    if position < text.count { throw failure("something follows the value") }
    return value
  }

  private mutating func value(depth: Int) throws(JSON.Failure) -> JSON {
    guard depth < rules.deepest else { throw failure("it is nested too deeply") }
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

  private mutating func object(depth: Int) throws(JSON.Failure) -> JSON {
    var members: [JSON.Member] = []
    var keys = Set<[UInt8]>()
    position += 1
    if accepts("}") { return .object([]) }
    repeat {
      skipSpace()
      let key = try string()
      if rules.refusesRepeatedKeys, !keys.insert(key).inserted {
        throw failure("the key \"\(String(decoding: key, as: UTF8.self))\" is there twice")
      }
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

  private mutating func word(_ word: String, _ value: JSON) throws(JSON.Failure) -> JSON {
    guard text[position...].starts(with: word.utf8) else { throw failure("a value is expected") }
    position += word.utf8.count
    return value
  }
}

// MARK: - Numbers

extension JSONParser {
  /// `-`, digits without a needless zero, then a fraction and an exponent if there are any.
  private mutating func number() throws(JSON.Failure) -> JSON {
    let start = position
    _ = skips("-")
    let isZero = peek == UInt8(ascii: "0")
    let digits = skipDigits()
    guard digits > 0, !isZero || digits == 1 else { throw failure("a value is expected") }
    if skips("."), skipDigits() == 0 { throw failure("digits are expected") }
    if skips("e") || skips("E") {
      _ = skips("+") || skips("-")
      if skipDigits() == 0 { throw failure("digits are expected") }
    }
    return .number(Array(text[start..<position]))
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while let byte = peek, byte >= 0x30, byte <= 0x39 { position += 1 }
    return position - start
  }
}

// MARK: - Strings

extension JSONParser {
  private mutating func string() throws(JSON.Failure) -> [UInt8] {
    try expect("\"")
    var bytes: [UInt8] = []
    while true {
      let start = position
      while let byte = peek, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        position += 1
      }
      bytes += text[start..<position]
      guard let byte = peek else { throw failure("a string has no end") }
      position += 1
      if byte == UInt8(ascii: "\"") { return bytes }
      if byte < 0x20 { throw failure("a control character is in a string") }
      bytes.append(contentsOf: try escape().utf8)
    }
  }

  /// The character that a backslash, which is behind, and what follows stand for.
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
      guard let digit = peek.flatMap(Self.hexadecimalDigit) else {
        throw failure("four hexadecimal digits are expected")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): return byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): return byte - UInt8(ascii: "A") + 10
    default: return nil
    }
  }
}

// MARK: - Bytes

extension JSONParser {
  private var peek: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x9 || byte == 0xa || byte == 0xd {
      position += 1
    }
  }

  /// Whether this character comes next, which is then behind.
  private mutating func skips(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func accepts(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    return skips(character)
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(JSON.Failure) {
    if !accepts(character) { throw failure("'\(character)' is expected") }
  }

  private func failure(_ reason: String) -> JSON.Failure {
    JSON.Failure(offset: position, reason: reason)
  }
}
