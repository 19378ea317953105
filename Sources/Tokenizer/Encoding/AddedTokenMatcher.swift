/// Finds added tokens in a text: the leftmost, and the longest among those that begin there.
struct AddedTokenMatcher: Sendable {
  /// A part of a text: an added token, or what lies between two of them.
  struct Part: Equatable {
    var range: Range<Int>
    var token: Int32?
  }

  /// Longer tokens are refused when a file is read: a place of a text is looked at so far.
  static let longest = 4096

  private let tokens: [AddedToken]
  /// A tree of all beginnings: what node follows a node (upper bits) with a byte (lower 8).
  private var children: [Int: Int] = [:]
  /// The token that ends at each node, -1 for none.
  private var ends: [Int] = [-1]
  /// Whether some pattern begins with a byte.
  private var isFirst = [Bool](repeating: false, count: 256)

  init(_ patterns: [(content: [UInt8], token: AddedToken)]) {
    tokens = patterns.map(\.token)
    for (index, pattern) in patterns.enumerated() where !pattern.content.isEmpty {
      isFirst[Int(pattern.content[0])] = true
      var node = 0
      for byte in pattern.content { node = child(of: node, byte) }
      if ends[node] < 0 { ends[node] = index }
    }
  }

  private mutating func child(of node: Int, _ byte: UInt8) -> Int {
    let key = node << 8 | Int(byte)
    if let child = children[key] { return child }
    ends.append(-1)
    children[key] = ends.count - 1
    return ends.count - 1
  }

  var isEmpty: Bool { children.isEmpty }

  /// The parts of a text in order.
  ///
  /// As in the package, a token that takes white space along may take what the next token, one of
  /// white space, begins with: that one is there all the same, and what follows it begins at its
  /// end. One that takes the space before it along begins after the earlier token, and is not
  /// there if nothing is left of it.
  func parts(of text: UnsafeBufferPointer<UInt8>) -> [Part] {
    var parts: [Part] = []
    var done = 0
    var position = 0
    var spaces = SpaceRun(text)
    while position < text.count, !isEmpty {
      guard isFirst[Int(text[position])], let (end, token) = match(text, position) else {
        position += 1
        continue
      }
      var range = position..<end
      position = end
      if token.isSingleWord, !standsAlone(range, text) { continue }
      if token.stripsLeft {
        let start = spaces.start(before: range.lowerBound, from: done)
        guard start <= end else { continue }
        range = start..<end
      }
      if token.stripsRight { range = range.lowerBound..<spaces.end(from: end) }
      if done < range.lowerBound { parts.append(Part(range: done..<range.lowerBound)) }
      if !range.isEmpty { parts.append(Part(range: range, token: token.id)) }
      done = range.upperBound
    }
    if done < text.count { parts.append(Part(range: done..<text.count)) }
    return parts
  }

  private func match(
    _ text: UnsafeBufferPointer<UInt8>, _ start: Int
  ) -> (end: Int, token: AddedToken)? {
    var found: (end: Int, token: AddedToken)?
    var node = 0
    var position = start
    while position < text.count, let child = children[node << 8 | Int(text[position])] {
      node = child
      position += 1
      if ends[node] >= 0 { found = (position, tokens[ends[node]]) }
    }
    return found
  }

  private func standsAlone(_ range: Range<Int>, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    for neighbour in [
      character(before: range.lowerBound, text), character(at: range.upperBound, text),
    ] {
      if let neighbour, CharacterClass.isWord(neighbour) { return false }
    }
    return true
  }
}

/// The character that begins at `position`, nil for none.
private func character(
  at position: Int, _ text: UnsafeBufferPointer<UInt8>
) -> Unicode.Scalar? {
  let bytes = text[min(position, text.count)..<min(position + 4, text.count)]
  var decoder = UTF8()
  var iterator = bytes.makeIterator()
  if case .scalarValue(let scalar) = decoder.decode(&iterator) { return scalar }
  return nil
}

/// The character that ends at `position`, nil for none.
private func character(
  before position: Int, _ text: UnsafeBufferPointer<UInt8>
) -> Unicode.Scalar? {
  var start = position - 1
  while start > 0, text[start] & 0xc0 == 0x80 { start -= 1 }
  return start < 0 ? nil : character(at: start, text)
}

/// White space around places of a text; a run is looked through once, however many ask for it.
private struct SpaceRun {
  private let text: UnsafeBufferPointer<UInt8>
  private var known = 0..<0

  init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

  /// Where the white space from `position` on ends.
  mutating func end(from position: Int) -> Int {
    if known.contains(position) { return known.upperBound }
    var end = position
    while let next = character(at: end, text), next.properties.isWhitespace {
      end += UTF8.width(next)
    }
    known = position..<end
    return end
  }

  /// Where the white space before `position` begins, but not before `least`, which may be beyond.
  func start(before position: Int, from least: Int) -> Int {
    var start = position
    while start > least, let before = character(before: start, text),
      before.properties.isWhitespace
    { start -= UTF8.width(before) }
    return max(start, least)
  }
}
