/// Finds added tokens in a text: the leftmost, and the longest among those that begin there.
struct AddedTokenMatcher: Sendable {
  /// A part of a text: an added token, or what lies between two of them.
  struct Part: Equatable {
    var range: Range<Int>
    var token: Int32?
  }

  /// What is looked for, longest first.
  private let patterns: [(content: [UInt8], token: AddedToken)]
  /// Whether some pattern begins with a byte.
  private let isFirst: [Bool]

  init(_ patterns: [(content: [UInt8], token: AddedToken)]) {
    let patterns = patterns.filter { !$0.content.isEmpty }
    self.patterns = patterns.sorted { $0.content.count > $1.content.count }
    var isFirst = [Bool](repeating: false, count: 256)
    for pattern in patterns { isFirst[Int(pattern.content[0])] = true }
    self.isFirst = isFirst
  }

  var isEmpty: Bool { patterns.isEmpty }

  /// The parts of a text, in order and without gaps.
  func parts(of text: UnsafeBufferPointer<UInt8>) -> [Part] {
    var parts: [Part] = []
    var done = 0
    var position = 0
    while position < text.count, !isEmpty {
      guard isFirst[Int(text[position])], let (content, token) = pattern(text, position) else {
        position += 1
        continue
      }
      var range = position..<position + content.count
      position = range.upperBound
      if token.isSingleWord, !standsAlone(range, text) { continue }
      range = widened(range, token, text, from: done)
      if done < range.lowerBound { parts.append(Part(range: done..<range.lowerBound)) }
      parts.append(Part(range: range, token: token.id))
      done = range.upperBound
    }
    if done < text.count { parts.append(Part(range: done..<text.count)) }
    return parts
  }

  private func pattern(
    _ text: UnsafeBufferPointer<UInt8>, _ position: Int
  ) -> (content: [UInt8], token: AddedToken)? {
    patterns.first { pattern in
      position + pattern.content.count <= text.count
        && pattern.content.indices.allSatisfy { text[position + $0] == pattern.content[$0] }
    }
  }

  /// The token's range with the white space that it takes along.
  private func widened(
    _ range: Range<Int>, _ token: AddedToken, _ text: UnsafeBufferPointer<UInt8>, from done: Int
  ) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    if token.stripsLeft {
      while let before = character(before: start, text), isSpace(before) {
        start -= UTF8.width(before)
      }
    }
    if token.stripsRight {
      while let after = character(at: end, text), isSpace(after) { end += UTF8.width(after) }
    }
    return max(start, min(done, range.upperBound))..<end
  }

  private func standsAlone(_ range: Range<Int>, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    for neighbour in [
      character(before: range.lowerBound, text), character(at: range.upperBound, text),
    ] {
      if let neighbour, AddedTokenMatcher.isWord(neighbour) { return false }
    }
    return true
  }

  private func character(
    at position: Int, _ text: UnsafeBufferPointer<UInt8>
  ) -> Unicode.Scalar? {
    let bytes = text[min(position, text.count)..<min(position + 4, text.count)]
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    if case .scalarValue(let scalar) = decoder.decode(&iterator) { return scalar }
    return nil
  }

  private func character(
    before position: Int, _ text: UnsafeBufferPointer<UInt8>
  ) -> Unicode.Scalar? {
    var start = position - 1
    while start > 0, text[start] & 0xc0 == 0x80 { start -= 1 }
    return start < 0 ? nil : character(at: start, text)
  }

  private func isSpace(_ character: Unicode.Scalar) -> Bool { character.properties.isWhitespace }

  /// What `\w` takes.
  private static func isWord(_ character: Unicode.Scalar) -> Bool {
    let properties = character.properties
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}
