/// A model's source as lines, numbered as Swift's `#line` numbers them.
///
/// A line ends with a line feed and nothing else does: a carriage return before it belongs to the
/// end, one anywhere else to the line, as do form feeds and Unicode's separators.
public struct SourceLines: Sendable {
  private let lines: [Substring]

  public init(_ source: String) {
    lines = source.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      .map { Substring($0.last == "\r" ? $0.dropLast() : $0) }
  }

  /// The line of that number, from 1, without its end; nil if there is none.
  public subscript(number: Int) -> Substring? {
    lines.indices.contains(number - 1) ? lines[number - 1] : nil
  }

  /// The number of the first line that begins so.
  public func firstNumber(beginning text: String) -> Int? {
    lines.firstIndex { $0.hasPrefix(text) }.map { $0 + 1 }
  }
}

extension StringProtocol {
  /// The text as a single line that shows all it holds: tabs are spaces, and what ends a line,
  /// turns the direction of writing or cannot be seen stands as its number, `<U+202E>`.
  public var onOneLine: String {
    var line = ""
    for scalar in unicodeScalars {
      if scalar == "\t" {
        line += " "
      } else if scalar.isUnseen {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        line += "<U+" + String(repeating: "0", count: Swift.max(0, 4 - digits.count)) + digits + ">"
      } else {
        line.unicodeScalars.append(scalar)
      }
    }
    return line
  }
}

extension Unicode.Scalar {
  /// Whether a character has no look of its own and changes that of others: controls, separators of
  /// lines and paragraphs, marks of direction and of width zero, and what has no meaning yet.
  fileprivate var isUnseen: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
      .unassigned:
      true
    case _: false
    }
  }
}
