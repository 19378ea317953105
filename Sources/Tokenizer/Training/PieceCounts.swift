/// How often each piece comes in the texts that a tokenizer is trained on.
public struct PieceCounts {
  /// By the piece's bytes.
  private(set) var counts: [[UInt8]: Int] = [:]

  public init() {}

  /// Whether there was no text at all.
  public var isEmpty: Bool { counts.isEmpty }

  /// Counts the pieces of a text of valid UTF-8; no piece goes from one text into the next.
  public mutating func add(validUTF8 text: UnsafeBufferPointer<UInt8>) {
    UnicodeClasses.table.withUnsafeBufferPointer { classes in
      guard let classes = classes.baseAddress else { return }
      var scanner = PieceScanner(text, classes)
      while let range = scanner.next() { counts[Array(text[range]), default: 0] += 1 }
    }
  }

  /// The same for a string.
  public mutating func add(_ text: String) {
    var text = text
    text.withUTF8 { add(validUTF8: $0) }
  }

  /// Counts the pieces of each line for itself, line ends included, as the `tokenizers` package
  /// does when it is given files.
  public mutating func addLines(validUTF8 text: UnsafeBufferPointer<UInt8>) {
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? text.count
      add(validUTF8: UnsafeBufferPointer(rebasing: text[start..<end]))
      start = end
    }
  }
}
