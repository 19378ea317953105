/// Characters of thousands of combining marks, which no writing has: to compare or hash a string,
/// Swift puts the marks of a character in order, in a time that grows with their square. A name of
/// a hundred kilobytes would take minutes.
public enum MarkRuns {
  /// More than any text in any language has in a row.
  static let longest = 100

  /// Where a run of more combining marks begins, in bytes from the start of a UTF-8 text; nil for
  /// every text that people write. Marks count that JSON's escapes `\u0301` stand for.
  public static func excessive(in text: some Collection<UInt8>) -> Int? {
    // The usual text has neither.
    guard text.contains(where: { $0 >= 0x80 || $0 == UInt8(ascii: "\\") }) else { return nil }
    let bytes = Array(text)
    var position = 0
    var run = (start: 0, marks: 0)
    while position < bytes.count {
      let (scalar, size) = character(bytes, position)
      // Below U+0300 there are none.
      let isMark =
        scalar >= 0x300
        && Unicode.Scalar(scalar).map { $0.properties.canonicalCombiningClass != .notReordered }
          ?? false
      if !isMark { run = (position, 0) } else { run.marks += 1 }
      if run.marks > longest { return run.start }
      position += size
    }
    return nil
  }

  /// The character or escape at a place, and its bytes. A pair of escapes is one character.
  private static func character(_ bytes: [UInt8], _ place: Int) -> (scalar: UInt32, size: Int) {
    let first = bytes[place]
    if first == UInt8(ascii: "\\") {
      guard let high = escape(bytes, place) else { return (0, min(2, bytes.count - place)) }
      if (0xd800..<0xdc00).contains(high), let low = escape(bytes, place + 6), low >= 0xdc00 {
        return (0x10000 + (high & 0x3ff) << 10 + (low & 0x3ff), 12)
      }
      return (high, 6)
    }
    let size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    guard size > 1, place + size <= bytes.count else { return (0, 1) }
    let start = UInt32(first) & (0x7f >> UInt32(size))
    return (bytes[place + 1..<place + size].reduce(start) { $0 << 6 | UInt32($1 & 0x3f) }, size)
  }

  /// The number of an escape `\uXXXX`.
  private static func escape(_ bytes: [UInt8], _ place: Int) -> UInt32? {
    guard place + 6 <= bytes.count, bytes[place] == UInt8(ascii: "\\"),
      bytes[place + 1] == UInt8(ascii: "u")
    else { return nil }
    return UInt32(String(decoding: bytes[place + 2..<place + 6], as: UTF8.self), radix: 16)
  }
}
