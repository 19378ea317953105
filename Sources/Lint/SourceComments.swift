/// The line comments of a Swift source, and which of its lines hold code.
///
/// Knows strings, raw and multi-line ones too, and nested comments, in which `//` means nothing.
struct SourceComments {
  struct Comment: Hashable, Sendable {
    var line: Int
    var column: Int

    /// From `//` to the end of the line.
    var text: String
  }

  private(set) var found: [Comment] = []
  private(set) var linesWithCode: [Int] = []

  private let characters: [Character]
  private var index = 0
  private var line = 1
  private var lineStart = 0

  init(_ source: String) {
    characters = Array(source)
    while index < characters.count { step() }
  }

  private mutating func step() {
    if starts(with: "//") {
      comment()
    } else if starts(with: "/*") {
      skipBlock()
    } else if let hashes = stringHashes() {
      noteCode()
      skipString(hashes)
    } else {
      if !characters[index].isWhitespace { noteCode() }
      advance()
    }
  }

  private mutating func noteCode() {
    if linesWithCode.last != line { linesWithCode.append(line) }
  }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where index < characters.count {
      if characters[index].endsNumberedLine {
        line += 1
        lineStart = index + 1
      }
      index += 1
    }
  }

  private func starts(with text: String) -> Bool {
    characters[index...].starts(with: text)
  }

  private mutating func comment() {
    let text = characters[index...].prefix { !$0.endsLine }
    found.append(Comment(line: line, column: index - lineStart + 1, text: String(text)))
    advance(text.count)
  }

  private mutating func skipBlock() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        advance(2)
      } else if starts(with: "*/") {
        depth -= 1
        advance(2)
      } else {
        advance()
      }
    } while depth > 0 && index < characters.count
  }

  /// How many `#` stand before the quote of a string that begins here; nil: none begins.
  private func stringHashes() -> Int? {
    let hashes = characters[index...].prefix { $0 == "#" }.count
    let quote = index + hashes
    return quote < characters.count && characters[quote] == "\"" ? hashes : nil
  }

  private mutating func skipString(_ hashes: Int) {
    let pounds = String(repeating: "#", count: hashes)
    advance(hashes)
    let quotes = starts(with: "\"\"\"") ? "\"\"\"" : "\""
    advance(quotes.count)
    while index < characters.count, !starts(with: quotes + pounds) {
      if quotes.count == 1, characters[index].endsLine { return }
      if starts(with: "\\" + pounds + "(") {
        advance(2 + hashes)
        skipInterpolation()
      } else {
        advance(starts(with: "\\" + pounds) ? 2 + hashes : 1)
      }
    }
    advance(quotes.count + hashes)
  }

  /// Up to the parenthesis that ends an interpolation; it may hold strings of its own.
  private mutating func skipInterpolation() {
    var depth = 1
    while index < characters.count, depth > 0 {
      if let hashes = stringHashes() {
        skipString(hashes)
        continue
      }
      if characters[index] == "(" { depth += 1 }
      if characters[index] == ")" { depth -= 1 }
      advance()
    }
  }
}

extension Character {
  /// Whether `#line` is one more from here on; it counts line feeds alone.
  fileprivate var endsNumberedLine: Bool { self == "\n" || self == "\r\n" }

  /// Whether a comment, or a string in a line, ends here.
  fileprivate var endsLine: Bool { endsNumberedLine || self == "\r" }
}
