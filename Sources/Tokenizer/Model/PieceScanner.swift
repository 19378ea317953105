/// Cuts a text into the pieces that GPT-2's pattern finds; merges never cross their borders.
///
/// The pattern is `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
/// Some alternative takes every character, so the pieces cover the text.
struct PieceScanner {
  private let text: UnsafeBufferPointer<UInt8>
  private let classes: UnsafePointer<UInt8>
  private(set) var position = 0

  /// `text` is valid UTF-8; it and `classes` outlive the scanner.
  init(_ text: UnsafeBufferPointer<UInt8>, _ classes: UnsafePointer<UInt8>) {
    self.text = text
    self.classes = classes
  }

  /// The next piece's bytes, nil at the end.
  mutating func next() -> Range<Int>? {
    guard position < text.count else { return nil }
    let start = position
    position = end(from: start)
    return start..<position
  }

  private func end(from start: Int) -> Int {
    let first = text[start]
    if first == UInt8(ascii: "'"), let end = contraction(from: start) { return end }
    if first == 0x20, start + 1 < text.count {
      let (kind, size) = character(at: start + 1)
      if kind != UnicodeClasses.space { return run(of: kind, from: start + 1 + size) }
    }
    let (kind, size) = character(at: start)
    if kind != UnicodeClasses.space { return run(of: kind, from: start + size) }
    return spaces(from: start)
  }

  /// White space up to the end of the text, or all but its last character: that one goes with
  /// what follows. A single one stands alone.
  private func spaces(from start: Int) -> Int {
    var position = start
    var last = start
    while position < text.count {
      let (kind, size) = character(at: position)
      if kind != UnicodeClasses.space { return last > start ? last : position }
      last = position
      position += size
    }
    return position
  }

  private func run(of kind: UInt8, from start: Int) -> Int {
    var position = start
    while position < text.count {
      let (next, size) = character(at: position)
      if next != kind { break }
      position += size
    }
    return position
  }

  private func contraction(from start: Int) -> Int? {
    guard start + 1 < text.count else { return nil }
    switch text[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"): return hasLetter("e", start) ? start + 3 : nil
    case UInt8(ascii: "l"): return hasLetter("l", start) ? start + 3 : nil
    default: return nil
    }
  }

  private func hasLetter(_ letter: Unicode.Scalar, _ start: Int) -> Bool {
    start + 2 < text.count && text[start + 2] == UInt8(ascii: letter)
  }

  /// The class and the number of bytes of the character at `position`.
  @inline(__always)
  private func character(at position: Int) -> (kind: UInt8, size: Int) {
    let first = text[position]
    if first < 0x80 { return (classes[Int(first)], 1) }
    let size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    var scalar = Int(first) & (0x7f >> size)
    for index in 1..<size { scalar = scalar << 6 | Int(text[position + index] & 0x3f) }
    return (scalar < UnicodeClasses.limit ? classes[scalar] : UnicodeClasses.other, size)
  }
}
