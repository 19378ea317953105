/// The comments of C.
enum CComments {
  /// The text without comments and without white space at the ends of its lines, of which there
  /// are as many as before.
  static func removed(from text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      switch (text[index], index + 1 < text.count ? text[index + 1] : 0) {
      case (UInt8(ascii: "/"), UInt8(ascii: "/")):
        index = end(ofLineAt: index, in: text)
      case (UInt8(ascii: "/"), UInt8(ascii: "*")):
        let end = end(ofCommentAt: index, in: text)
        // A comment counts as a space between two words.
        result.append(UInt8(ascii: " "))
        result += text[index..<end].filter { $0 == UInt8(ascii: "\n") }
        index = end
      case (UInt8(ascii: "\""), _), (UInt8(ascii: "'"), _):
        let end = end(ofQuoteAt: index, in: text)
        result += text[index..<end]
        index = end
      case (let character, _):
        if character == UInt8(ascii: "\n") { dropBlanks(&result) }
        result.append(character)
        index += 1
      }
    }
    return result
  }

  private static func dropBlanks(_ text: inout [UInt8]) {
    while text.last == UInt8(ascii: " ") || text.last == UInt8(ascii: "\t") { text.removeLast() }
  }

  /// The first line's end that no backslash hides. Such a comment's lines are not counted: a source
  /// with one never is kept in place of another, which is no harm.
  private static func end(ofLineAt start: Int, in text: [UInt8]) -> Int {
    var index = start
    while index < text.count, text[index] != UInt8(ascii: "\n") {
      index += text[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index, text.count)
  }

  private static func end(ofCommentAt start: Int, in text: [UInt8]) -> Int {
    var index = start + 2
    while index + 1 < text.count,
      text[index] != UInt8(ascii: "*") || text[index + 1] != UInt8(ascii: "/")
    {
      index += 1
    }
    return min(index + 2, text.count)
  }

  private static func end(ofQuoteAt start: Int, in text: [UInt8]) -> Int {
    var index = start + 1
    while index < text.count, text[index] != text[start], text[index] != UInt8(ascii: "\n") {
      index += text[index] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(index + 1, text.count)
  }
}
