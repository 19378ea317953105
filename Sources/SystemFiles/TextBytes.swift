/// What tells kinds of text files apart.
public enum TextBytes {
  /// A byte-order mark, U+FEFF in UTF-8. At the start of a file it says how the file is written
  /// and is no part of the text.
  public static let mark: [UInt8] = [0xef, 0xbb, 0xbf]

  /// How many bytes of a byte-order mark a file begins with: 3 or none.
  public static func markLength(_ bytes: some Sequence<UInt8>) -> Int {
    bytes.starts(with: mark) ? mark.count : 0
  }

  /// Whether a file is UTF-16: by its byte-order mark, or because every second one of its first
  /// bytes, and no other, is 0.
  public static func isUTF16(_ bytes: some Collection<UInt8>) -> Bool {
    let start = Array(bytes.prefix(256))
    if start.starts(with: [0xff, 0xfe]) || start.starts(with: [0xfe, 0xff]) { return true }
    guard start.count >= 8, bytes.count % 2 == 0 else { return false }
    let zeros = start.indices.filter { start[$0] == 0 }
    return zeros.count == start.count / 2 && Set(zeros.map { $0 % 2 }).count == 1
  }

  /// What to do about UTF-16.
  public static func conversionHint(_ path: String) -> String {
    "convert it: iconv -f UTF-16 -t UTF-8 '\(path)' > utf8.txt"
  }
}
