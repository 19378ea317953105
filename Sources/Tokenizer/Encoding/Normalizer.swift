import Foundation

/// A change of the text before it is split.
enum Normalizer: Equatable, Sendable {
  /// Text put before every part that is not empty.
  case prepend([UInt8])
  /// All places of one text replaced by another.
  case replace([UInt8], with: [UInt8])
  /// One of Unicode's four forms.
  case form(Form)
  case lowercase
  /// Takes white space away at the ends.
  case strip(left: Bool, right: Bool)
  /// Takes marks away that stand by themselves.
  case stripMarks

  enum Form: String, Sendable {
    case composed = "NFC"
    case decomposed = "NFD"
    case compatiblyComposed = "NFKC"
    case compatiblyDecomposed = "NFKD"
  }

  func normalize(_ text: [UInt8]) -> [UInt8] {
    switch self {
    case .form(let form): return Normalizer.normalize(text, form)
    case .lowercase: return Normalizer.lowercased(text)
    case .strip(let left, let right): return Normalizer.strip(text, left, right)
    case .stripMarks: return Normalizer.withoutMarks(text)
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

extension Normalizer {
  /// A text of ASCII alone is as it is in every form. The package knows the forms of Unicode 9, and leaves
  /// characters as they are that came later.
  private static func normalize(_ text: [UInt8], _ form: Form) -> [UInt8] {
    if text.allSatisfy({ $0 < 0x80 }) { return text }
    var normalized: [UInt8] = []
    var known = String.UnicodeScalarView()
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      if scalar.value < 0x400 || scalar.isOfUnicode(9) {
        known.append(scalar)
      } else {
        normalized += normalize(String(known), form).utf8
        normalized += String(scalar).utf8
        known.removeAll()
      }
    }
    return normalized + Array(normalize(String(known), form).utf8)
  }

  private static func normalize(_ text: String, _ form: Form) -> String {
    switch form {
    case .composed: text.precomposedStringWithCanonicalMapping
    case .decomposed: text.decomposedStringWithCanonicalMapping
    case .compatiblyComposed: text.precomposedStringWithCompatibilityMapping
    case .compatiblyDecomposed: text.decomposedStringWithCompatibilityMapping
    }
  }

  /// Character by character, whatever is around it.
  private static func lowercased(_ text: [UInt8]) -> [UInt8] {
    var lower: [UInt8] = []
    lower.reserveCapacity(text.count)
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      lower += Array(scalar.properties.lowercaseMapping.utf8)
    }
    return lower
  }

  private static func strip(_ text: [UInt8], _ left: Bool, _ right: Bool) -> [UInt8] {
    var scalars = Substring(String(decoding: text, as: UTF8.self)).unicodeScalars
    if left { scalars = scalars.drop { $0.properties.isWhitespace } }
    while right, let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
    return Array(String(scalars).utf8)
  }

  private static func withoutMarks(_ text: [UInt8]) -> [UInt8] {
    let kept = String(decoding: text, as: UTF8.self).unicodeScalars.filter { !isMark($0) }
    return Array(String(String.UnicodeScalarView(kept)).utf8)
  }

  /// The package knows the marks of Unicode 9, and leaves those alone that came later.
  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    // One of these was punctuation then.
    case .nonspacingMark, .spacingMark, .enclosingMark:
      scalar.isOfUnicode(9) && scalar.value != 0x111c9
    // Two that were marks then.
    default: scalar.value == 0x1cf2 || scalar.value == 0x1cf3
    }
  }
}

extension [Normalizer] {
  func normalize(_ text: [UInt8]) -> [UInt8] { reduce(text) { $1.normalize($0) } }
}
