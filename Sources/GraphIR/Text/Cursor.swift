/// Reads a graph's text from left to right and knows where it is.
///
/// Every function skips spaces first and stays on its line; none traps, whatever the text.
struct Cursor {
  private let bytes: [UInt8]
  private let file: String
  private(set) var position = 0

  /// The largest whole number that a text may hold: sizes and indices fit 32 bits.
  static let largestInteger = Int(Int32.max)

  init(_ text: String, file: String) {
    bytes = Array(text.utf8)
    self.file = file
  }

  /// The character at hand, 0 at the end.
  private var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

  var isAtEnd: Bool { position >= bytes.count }

  /// What is wrong, here or at an earlier position.
  func failure(_ message: String, hint: String? = nil, at place: Int? = nil) -> Diagnostic {
    let before = bytes.prefix(place ?? position)
    let line = before.reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    // Bytes that continue a character count no column of their own.
    let column = before[start...].reduce(1) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) }
    return Diagnostic(
      at: SourceLocation(file: file, line: line, column: column), message, hint: hint)
  }

  /// What was expected and what stands here instead.
  func expected(_ what: String) -> Diagnostic {
    failure("expected \(what), found \(found)")
  }

  private var found: String {
    if isAtEnd { return "the end of the text" }
    if current == UInt8(ascii: "\n") { return "the end of the line" }
    let rest = bytes[position...].prefix(24).prefix { $0 > 0x20 && $0 != UInt8(ascii: ",") }
    let text = rest.isEmpty ? bytes[position...].prefix(1) : rest
    return String(decoding: text, as: UTF8.self).quoted
  }
}

// Spaces and lines.
extension Cursor {
  /// Skips spaces; a comment from `#` to the end of the line counts as space.
  mutating func skipSpaces() {
    while current == UInt8(ascii: " ") || current == UInt8(ascii: "\t")
      || current == UInt8(ascii: "\r")
    { position += 1 }
    if current == UInt8(ascii: "#") {
      while !isAtEnd, current != UInt8(ascii: "\n") { position += 1 }
    }
  }

  /// Moves to the next line that says something; false at the end of the text.
  mutating func skipEmptyLines() -> Bool {
    skipSpaces()
    while current == UInt8(ascii: "\n") {
      position += 1
      skipSpaces()
    }
    return !isAtEnd
  }

  mutating func expectEndOfLine() throws(Diagnostic) {
    skipSpaces()
    guard isAtEnd || current == UInt8(ascii: "\n") else { throw expected("the end of the line") }
  }
}

// Punctuation and names.
extension Cursor {
  /// Whether the text goes on with these characters.
  mutating func sees(_ text: String) -> Bool {
    skipSpaces()
    return bytes[position...].starts(with: text.utf8)
  }

  /// Takes the characters if they stand here.
  mutating func accept(_ text: String) -> Bool {
    guard sees(text) else { return false }
    position += text.utf8.count
    return true
  }

  mutating func expect(_ text: String) throws(Diagnostic) {
    guard accept(text) else { throw expected("\"\(text)\"") }
  }

  /// A letter or underscore, then letters, digits and underscores; nil if none stands here.
  mutating func name() -> String? {
    skipSpaces()
    guard current.beginsName else { return nil }
    return take(while: \.continuesName)
  }

  /// The name of an axis as programs write it too: `T`, `T!`, `(2S)`; nil if none stands here.
  mutating func axisName() -> String? {
    skipSpaces()
    let start = position
    if current == UInt8(ascii: "(") {
      _ = take { $0 != UInt8(ascii: ")") && $0 != UInt8(ascii: "\n") }
      if current == UInt8(ascii: ")") { position += 1 }
    } else if name() == nil {
      return nil
    }
    _ = take { [UInt8(ascii: "!"), UInt8(ascii: "~"), UInt8(ascii: "'")].contains($0) }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  mutating func name(_ what: String) throws(Diagnostic) -> String {
    guard let name = name() else { throw expected(what) }
    return name
  }

  /// Takes a whole word and nothing of a longer one.
  mutating func expectWord(_ word: String) throws(Diagnostic) {
    let start = position
    guard name() == word else {
      position = start
      skipSpaces()
      throw expected("\"\(word)\"")
    }
  }

  /// Whether an unquoted file name stands here.
  var seesPath: Bool { current.isPlainInPath }

  /// The characters of an unquoted file name.
  mutating func path() -> String {
    skipSpaces()
    return take(while: \.isPlainInPath)
  }

  private mutating func take(while holds: (UInt8) -> Bool) -> String {
    let start = position
    while !isAtEnd, holds(current) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }
}

// Numbers.
extension Cursor {
  var seesDigit: Bool { current.isDigit }

  /// A whole number that is not negative.
  mutating func integer(_ what: String) throws(Diagnostic) -> Int {
    skipSpaces()
    guard current.isDigit else { throw expected(what) }
    let start = position
    guard let value = Int(take(while: \.isDigit)), value <= Self.largestInteger else {
      throw failure("\(what) must be at most \(Self.largestInteger)", at: start)
    }
    return value
  }

  /// A whole number that is not negative, of any size that `Int` holds: bytes and operations.
  mutating func wideInteger(_ what: String) throws(Diagnostic) -> Int {
    skipSpaces()
    guard current.isDigit else { throw expected(what) }
    let start = position
    guard let value = Int(take(while: \.isDigit)) else {
      throw failure("\(what) is too large", at: start)
    }
    return value
  }

  /// A number as Swift writes a `Double`, `inf` and `nan` included; nil if none stands here.
  mutating func number() throws(Diagnostic) -> Double? {
    skipSpaces()
    let start = position
    let text = numberText()
    if text.isEmpty { return nil }
    let isNamed = text.hasSuffix("inf") || text.hasSuffix("nan")
    guard let value = Double(text), isNamed || value.isFinite else {
      position = start
      throw failure("\(text.quoted) is no number that fits a double", at: start)
    }
    return value
  }

  mutating func number(_ what: String) throws(Diagnostic) -> Double {
    guard let value = try number() else { throw expected(what) }
    return value
  }

  private mutating func numberText() -> String {
    let start = position
    if current == UInt8(ascii: "-") { position += 1 }
    if current.isDigit {
      _ = take { $0.isDigit || $0 == UInt8(ascii: ".") }
      takeExponent()
    } else if bytes[position...].starts(with: "inf".utf8)
      || bytes[position...].starts(with: "nan".utf8)
    {
      position += 3
    } else {
      position = start
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func takeExponent() {
    guard current == UInt8(ascii: "e") else { return }
    position += 1
    if current == UInt8(ascii: "-") || current == UInt8(ascii: "+") { position += 1 }
    _ = take(while: \.isDigit)
  }
}

// Strings.
extension Cursor {
  /// A string in quotes, escapes undone.
  mutating func string(_ what: String) throws(Diagnostic) -> String {
    skipSpaces()
    let start = position
    guard accept("\"") else { throw expected("\(what) in quotes") }
    var text: [UInt8] = []
    while !isAtEnd, current != UInt8(ascii: "\n") {
      let byte = current
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += try escape()
      case _: text.append(byte)
      }
    }
    throw failure("\(what) has no closing quote", at: start)
  }

  /// What stands for the character after a backslash.
  private mutating func escape() throws(Diagnostic) -> [UInt8] {
    let byte = current
    position = min(position + 1, bytes.count)
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
    case UInt8(ascii: "n"): return [UInt8(ascii: "\n")]
    case UInt8(ascii: "t"): return [UInt8(ascii: "\t")]
    case UInt8(ascii: "r"): return [UInt8(ascii: "\r")]
    case UInt8(ascii: "u"): return try scalar()
    case _: throw failure("unknown escape in a string", at: position - 1)
    }
  }

  /// A character by number: `{7f}`.
  private mutating func scalar() throws(Diagnostic) -> [UInt8] {
    let start = position
    let digits = bytes[min(start + 1, bytes.count)...].prefix { $0 != UInt8(ascii: "}") }.prefix(7)
    position = min(start + digits.count + 2, bytes.count)
    guard start < bytes.count, bytes[start] == UInt8(ascii: "{"),
      position > 0, bytes[position - 1] == UInt8(ascii: "}"),
      let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
      let scalar = Unicode.Scalar(value)
    else {
      position = start
      throw failure("expected a character's number in braces, as in \\u{7f}")
    }
    return Array(String(scalar).utf8)
  }
}
