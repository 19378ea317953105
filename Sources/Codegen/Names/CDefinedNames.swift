/// The names that a C text defines for whoever includes it: macros, and all words that stand outside of
/// functions' bodies and arguments, those of enumerations among them.
struct CDefinedNames {
  private(set) var found: Set<String> = []
  private let text: [UInt8]
  private var index = 0

  /// Open braces, each with whether it is an enumeration's.
  private var braces: [Bool] = []
  private var parentheses = 0
  private var last = ""

  init(_ text: String) {
    self.text = Array(text.utf8)
    while index < self.text.count { step() }
  }

  private mutating func step() {
    let character = text[index]
    if text[index...].starts(with: "//".utf8) {
      skip { $0 != UInt8(ascii: "\n") }
    } else if character == UInt8(ascii: "#") {
      directive()
    } else if character == UInt8(ascii: "\"") || character == UInt8(ascii: "'") {
      quoted(character)
    } else if character.continuesWord {
      word()
    } else {
      note(character)
      index += 1
    }
  }

  private mutating func note(_ character: UInt8) {
    switch character {
    case UInt8(ascii: "{"): braces.append(last == "enum")
    case UInt8(ascii: "}"): _ = braces.popLast()
    case UInt8(ascii: "("): parentheses += 1
    case UInt8(ascii: ")"): parentheses -= 1
    case _: break
    }
  }

  private mutating func word() {
    let start = index
    skip(while: \.continuesWord)
    last = String(decoding: text[start..<index], as: UTF8.self)
    if parentheses == 0, braces.allSatisfy({ $0 }) { found.insert(last) }
  }

  /// A macro's name; the rest of the lines of a directive says nothing.
  private mutating func directive() {
    let start = index
    while index < text.count, text[index] != UInt8(ascii: "\n") {
      index += text[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    let words = text[start..<min(index, text.count)].split { !$0.continuesWord }
    if words.count > 1, String(decoding: words[0], as: UTF8.self) == "define" {
      found.insert(String(decoding: words[1], as: UTF8.self))
    }
  }

  private mutating func quoted(_ quote: UInt8) {
    index += 1
    while index < text.count, text[index] != quote {
      index += text[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    index += 1
  }

  private mutating func skip(while holds: (UInt8) -> Bool) {
    while index < text.count, holds(text[index]) { index += 1 }
  }
}

extension UInt8 {
  fileprivate var continuesWord: Bool {
    let lower = self | 0x20
    return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower) || self == UInt8(ascii: "_")
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
  }
}
