import SystemFiles

/// A JSON value as the header of a weights file may hold one.
enum StrictJSON: Equatable {
  case object([Member])
  case array([StrictJSON])
  case string(String)
  /// A whole number from 0 to 2^64 - 1.
  case count(UInt64)
  /// Any other number: never right in a header, so only its place matters.
  case number
  case bool(Bool)
  case null

  struct Member: Equatable {
    var key: String
    var value: StrictJSON
  }

  /// Why a text is not taken, and at which byte.
  struct Failure: Error, Equatable {
    var offset: Int
    var reason: String
  }

  /// Parses a whole text; unlike Foundation's parser it refuses an object with a key twice.
  static func parse(_ text: [UInt8]) throws(Failure) -> StrictJSON {
    if let offset = MarkRuns.excessive(in: text) {
      throw Failure(offset: offset, reason: "a character has too many marks")
    }
    var parser = StrictJSONParser(text)
    let value = try parser.value(depth: 0)
    try parser.end()
    return value
  }
}

/// Recursive descent over bytes that are known to be UTF-8.
struct StrictJSONParser {
  private let text: [UInt8]
  private var position = 0
  private static let deepest = 16

  init(_ text: [UInt8]) { self.text = text }

  mutating func value(depth: Int) throws(StrictJSON.Failure) -> StrictJSON {
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

  /// Spaces, then nothing more.
  mutating func end() throws(StrictJSON.Failure) {
    skipSpace()
    if position < text.count { throw failure("something follows the value") }
  }

  private mutating func object(depth: Int) throws(StrictJSON.Failure) -> StrictJSON {
    var members: [StrictJSON.Member] = []
    var keys = Set<String>()
    position += 1
    if accepts("}") { return .object([]) }
    repeat {
      skipSpace()
      let key = try string()
      if !keys.insert(key).inserted { throw failure("the key \"\(key)\" is there twice") }
      try expect(":")
      members.append(.init(key: key, value: try value(depth: depth + 1)))
    } while accepts(",")
    try expect("}")
    return .object(members)
  }

  private mutating func array(depth: Int) throws(StrictJSON.Failure) -> StrictJSON {
    var elements: [StrictJSON] = []
    position += 1
    if accepts("]") { return .array([]) }
    repeat {
      elements.append(try value(depth: depth + 1))
    } while accepts(",")
    try expect("]")
    return .array(elements)
  }

  private mutating func number() throws(StrictJSON.Failure) -> StrictJSON {
    let start = position
    while let byte = peek, Self.numeric.contains(byte) { position += 1 }
    guard position > start, let text = String(validating: text[start..<position], as: UTF8.self)
    else { throw failure("a value is expected") }
    let isPlain = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    if isPlain, let count = UInt64(text) { return .count(count) }
    guard Double(text) != nil else { throw failure("a value is expected") }
    return .number
  }

  private static let numeric = Set("+-.0123456789eE".utf8)

  private mutating func word(
    _ word: String, _ value: StrictJSON
  ) throws(StrictJSON.Failure) -> StrictJSON {
    guard text[position...].starts(with: word.utf8) else { throw failure("a value is expected") }
    position += word.utf8.count
    return value
  }
}

// MARK: - Strings

extension StrictJSONParser {
  private mutating func string() throws(StrictJSON.Failure) -> String {
    try expect("\"")
    var bytes: [UInt8] = []
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: bytes, as: UTF8.self) else {
          throw failure("the string is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"): bytes += Array(String(try escape()).utf8)
      case 0..<0x20: throw failure("a control character is in a string")
      default: bytes.append(byte)
      }
    }
    throw failure("a string has no end")
  }

  private mutating func escape() throws(StrictJSON.Failure) -> Unicode.Scalar {
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
  private mutating func unicodeEscape() throws(StrictJSON.Failure) -> Unicode.Scalar {
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xdc00, peek == UInt8(ascii: "\\") else { throw failure("a lone surrogate") }
    position += 1
    guard peek == UInt8(ascii: "u") else { throw failure("a lone surrogate") }
    position += 1
    let second = try fourDigits()
    guard (0xdc00...0xdfff).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { throw failure("a lone surrogate") }
    return scalar
  }

  private mutating func fourDigits() throws(StrictJSON.Failure) -> UInt32 {
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

// MARK: - Bytes

extension StrictJSONParser {
  private var peek: UInt8? { position < text.count ? text[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || (0x9...0xa).contains(byte) || byte == 0xd {
      position += 1
    }
  }

  private mutating func accepts(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(StrictJSON.Failure) {
    if !accepts(character) { throw failure("'\(character)' is expected") }
  }

  private func failure(_ reason: String) -> StrictJSON.Failure {
    StrictJSON.Failure(offset: position, reason: reason)
  }
}
