/// A template cut into texts, tags and expressions, white space around them taken away as transformers does it:
/// a line's end behind a tag, and the spaces before one that begins a line.
struct TemplatePiece: Equatable {
  enum Kind: Equatable { case text, tag, expression }

  var kind: Kind
  var content: String
  var line: Int

  static func pieces(of template: String) throws(TemplateError) -> [TemplatePiece] {
    var pieces: [TemplatePiece] = []
    var rest = Substring(template)
    var line = 1
    var beginsLine = true
    while let open = opening(in: rest) {
      var text = String(rest[..<open.start])
      line += text.count { $0 == "\n" }
      let inside = rest[rest.index(open.start, offsetBy: 2)...]
      guard let close = closing(open.mark, in: inside) else {
        throw .malformed(line: line, reason: "{\(open.mark) is not closed")
      }
      var content = inside[..<close]
      rest = inside[inside.index(close, offsetBy: 2)...]
      let strips = (before: content.first == "-", after: content.last == "-")
      if strips.before || content.first == "+" { content = content.dropFirst() }
      if strips.after { content = content.dropLast() }
      if strips.before {
        text = trimmedEnd(text)
      } else if open.mark != "{" {
        text = withoutIndent(text, isAtStart: beginsLine)
      }
      if !text.isEmpty { pieces.append(.init(kind: .text, content: text, line: line)) }
      let kind: Kind = open.mark == "{" ? .expression : .tag
      if open.mark != "#" {
        pieces.append(.init(kind: kind, content: String(content), line: line))
      }
      line += content.count { $0 == "\n" }
      beginsLine = false
      if strips.after {
        rest = rest.drop { $0.isWhitespace }
      } else if open.mark != "{", rest.first == "\n" || rest.first == "\r\n" {
        rest = rest.dropFirst()
        line += 1
        beginsLine = true
      }
    }
    if !rest.isEmpty { pieces.append(.init(kind: .text, content: String(rest), line: line)) }
    return pieces
  }

  private static func opening(
    in text: Substring
  ) -> (start: Substring.Index, mark: Character)? {
    var index = text.startIndex
    while let brace = text[index...].firstIndex(of: "{") {
      let next = text.index(after: brace)
      if next < text.endIndex, "{%#".contains(text[next]) { return (brace, text[next]) }
      index = next
    }
    return nil
  }

  /// Where a tag ends, strings in it passed over.
  private static func closing(_ mark: Character, in text: Substring) -> Substring.Index? {
    let end: Character = mark == "{" ? "}" : mark
    var quote: Character?
    var index = text.startIndex
    while index < text.endIndex {
      let character = text[index]
      let next = text.index(after: index)
      if let open = quote {
        if character == "\\", next < text.endIndex {
          index = text.index(after: next)
          continue
        }
        if character == open { quote = nil }
      } else if mark != "#", character == "'" || character == "\"" {
        quote = character
      } else if character == end, next < text.endIndex, text[next] == "}" {
        return index
      }
      index = next
    }
    return nil
  }

  private static func trimmedEnd(_ text: String) -> String {
    var text = text
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }

  /// Spaces between a line's start and a tag are no text.
  private static func withoutIndent(_ text: String, isAtStart: Bool) -> String {
    let last = text.lastIndex { $0.isNewline }
    let indent = last.map { text[text.index(after: $0)...] } ?? text[...]
    guard last != nil || isAtStart, indent.allSatisfy({ $0 == " " || $0 == "\t" }) else {
      return text
    }
    return String(text.dropLast(indent.count))
  }
}

/// The words of one expression.
enum TemplateWord: Equatable {
  case name(String)
  case text(String)
  case number(Int)
  case mark(String)

  static func words(of text: String, line: Int) throws(TemplateError) -> [TemplateWord] {
    var words: [TemplateWord] = []
    var rest = Substring(text)
    while let first = rest.first {
      if first.isWhitespace {
        rest = rest.dropFirst()
      } else if first == "'" || first == "\"" {
        words.append(.text(try string(&rest, line)))
      } else if first.isLetter || first == "_" {
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        words.append(.name(String(name)))
        rest = rest.dropFirst(name.count)
      } else if first.isNumber {
        let digits = rest.prefix { $0.isNumber }
        guard let number = Int(digits) else {
          throw .malformed(line: line, reason: "\(digits) is no number")
        }
        words.append(.number(number))
        rest = rest.dropFirst(digits.count)
      } else {
        let pair = String(rest.prefix(2))
        let mark = ["==", "!=", "<=", ">="].contains(pair) ? pair : String(first)
        guard mark.count == 2 || "()[]{}.,:|+-~<>=%*".contains(first) else {
          throw .malformed(line: line, reason: "\(first) is not understood")
        }
        words.append(.mark(mark))
        rest = rest.dropFirst(mark.count)
      }
    }
    return words
  }

  private static func string(
    _ rest: inout Substring, _ line: Int
  ) throws(TemplateError) -> String {
    let quote = rest.removeFirst()
    var text = ""
    while let next = rest.popFirst() {
      if next == quote { return text }
      guard next == "\\", let escaped = rest.popFirst() else {
        text.append(next)
        continue
      }
      switch escaped {
      case "n": text.append("\n")
      case "t": text.append("\t")
      case "r": text.append("\r")
      default: text.append(escaped)
      }
    }
    throw .malformed(line: line, reason: "a text is not closed")
  }
}
