/// A change of the text before it is split.
enum Normalizer: Equatable, Sendable {
  /// Text put before every part that is not empty.
  case prepend([UInt8])
  /// All places of one text replaced by another.
  case replace([UInt8], with: [UInt8])

  func normalize(_ text: [UInt8]) -> [UInt8] {
    switch self {
    case .prepend(let start): return text.isEmpty ? text : start + text
    case .replace(let pattern, let content): return Normalizer.replace(pattern, content, in: text)
    }
  }

  /// `text` with every `pattern`, from the left and not overlapping, replaced by `content`.
  static func replace(_ pattern: [UInt8], _ content: [UInt8], in text: [UInt8]) -> [UInt8] {
    guard let first = pattern.first else { return text }
    var replaced: [UInt8] = []
    replaced.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      if text[position] == first, text[position...].starts(with: pattern) {
        replaced += content
        position += pattern.count
      } else {
        replaced.append(text[position])
        position += 1
      }
    }
    return replaced
  }
}

extension [Normalizer] {
  func normalize(_ text: [UInt8]) -> [UInt8] { reduce(text) { $1.normalize($0) } }
}
