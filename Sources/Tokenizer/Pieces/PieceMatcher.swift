/// Finds the matches of an expression in a text, from left to right, going back over what was taken where
/// the rest does not match.
struct PieceMatcher {
  private let expression: PieceExpression
  private let text: UnsafeBufferPointer<UInt8>

  /// Ways that were not gone yet: an instruction and a place, and for runs how far it may be shortened.
  private var ways: [Way] = []

  private struct Way {
    var instruction: Int
    var position: Int
    /// A run may end anywhere from here on.
    var least: Int
  }

  /// `text` is valid UTF-8 and outlives the matcher.
  init(_ expression: PieceExpression, _ text: UnsafeBufferPointer<UInt8>) {
    (self.expression, self.text) = (expression, text)
  }

  /// The next match from `start` on; nil if there is none. One that takes nothing is none.
  mutating func next(from start: Int) -> Range<Int>? {
    var position = start
    while position < text.count {
      if let end = end(from: position, at: 0), end > position { return position..<end }
      position += size(at: position)
    }
    return nil
  }

  /// Where a match that begins at `start` ends.
  private mutating func end(from start: Int, at first: Int) -> Int? {
    let bottom = ways.count
    defer { ways.removeLast(ways.count - bottom) }
    var position = start
    var place = first
    while true {
      var fails = false
      switch expression.instructions[place] {
      case .matched: return position
      case .jump(let next): place = next
      case .start:
        fails = position != 0
        place += 1
      case .end:
        fails = position != text.count
        place += 1
      case .one(let group):
        fails = !take(expression.classes[group], &position)
        place += 1
      case .split(let one, let other):
        ways.append(Way(instruction: other, position: position, least: position))
        place = one
      case .run(let group, let least, let most, let keeps):
        fails = !run(expression.classes[group], least, most, keeps, place + 1, &position)
        place += 1
      case .look(let isNegative, let end):
        fails = (self.end(from: position, at: place + 1) != nil) == isNegative
        place = end
      }
      if fails {
        guard ways.count > bottom else { return nil }
        (place, position) = back()
      }
    }
  }

  /// The last way that was not gone; of a run, the one with a character less.
  private mutating func back() -> (Int, Int) {
    let last = ways.count - 1
    let way = ways[last]
    if way.position <= way.least {
      ways.removeLast()
      return (way.instruction, way.position)
    }
    var shorter = way.position - 1
    while text[shorter] & 0xc0 == 0x80 { shorter -= 1 }
    if shorter <= way.least { ways.removeLast() } else { ways[last].position = shorter }
    return (way.instruction, shorter)
  }

  /// Takes characters of a class, as many as there are; false if they are too few.
  private mutating func run(
    _ group: CharacterClass, _ least: Int, _ most: Int, _ keeps: Bool, _ next: Int,
    _ position: inout Int
  ) -> Bool {
    var count = 0
    var shortest = position
    while count < most, position < text.count {
      let (value, size) = character(at: position)
      if !group.contains(value) { break }
      position += size
      count += 1
      if count == least { shortest = position }
    }
    if count < least { return false }
    if !keeps, position > shortest {
      ways.append(Way(instruction: next, position: position, least: shortest))
    }
    return true
  }

  private func take(_ group: CharacterClass, _ position: inout Int) -> Bool {
    guard position < text.count else { return false }
    let (value, size) = character(at: position)
    guard group.contains(value) else { return false }
    position += size
    return true
  }

  private func size(at position: Int) -> Int {
    let first = text[position]
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  }

  @inline(__always)
  private func character(at position: Int) -> (value: UInt32, size: Int) {
    let first = text[position]
    if first < 0x80 { return (UInt32(first), 1) }
    let size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    var value = UInt32(first) & (0x7f >> UInt32(size))
    for index in 1..<size { value = value << 6 | UInt32(text[position + index] & 0x3f) }
    return (value, size)
  }
}
