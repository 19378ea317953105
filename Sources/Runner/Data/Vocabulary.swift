import SystemFiles
import Words

/// The characters that a model knows, each at the place that is its token.
///
/// A character is a Unicode scalar, so that a text's length and order are those that other
/// programs (Python's `sorted(set(text))`) give.
public struct Vocabulary: Equatable, Sendable {
  /// Characters in the order of their tokens.
  public let characters: [Unicode.Scalar]
  /// Token by scalar value, -1 for characters that are not known.
  let tokens: [Int32]

  /// A vocabulary with these characters in this order, each once.
  public init(_ characters: [Unicode.Scalar]) {
    self.characters = characters
    let highest = characters.map(\.value).max() ?? 0
    var tokens = [Int32](repeating: -1, count: Int(highest) + 1)
    for (token, character) in characters.enumerated() {
      tokens[Int(character.value)] = Int32(token)
    }
    self.tokens = tokens
  }

  /// The sorted distinct characters of a text.
  public init(of text: [Unicode.Scalar]) {
    var isPresent = [Bool](repeating: false, count: 0x110000)
    for character in text { isPresent[Int(character.value)] = true }
    self.init(isPresent.indices.compactMap { isPresent[$0] ? Unicode.Scalar(UInt32($0)) : nil })
  }

  /// The distinct characters of a text file. Errors: unreadable, not UTF-8, empty, too short for a model
  /// with so many positions.
  public init(ofText path: String, context: Int) throws(CorpusError) {
    let text = try CorpusText.read(path)
    guard !text.isEmpty else { throw .empty(path: path) }
    let census = CharacterCensus(text)
    try Corpus.checkLength(census.count, of: "character", path, context: context)
    self.init(census.distinct)
  }

  /// Whether a character has a token.
  func contains(_ character: Unicode.Scalar) -> Bool {
    Int(character.value) < tokens.count && tokens[Int(character.value)] >= 0
  }

  /// How many characters it has.
  public var count: Int { characters.count }

  /// Tokens of a text. Errors: every character that is not known, named once.
  public func encode(_ text: some Sequence<Unicode.Scalar>) throws(VocabularyError) -> [Int32] {
    var encoded: [Int32] = []
    encoded.reserveCapacity(text.underestimatedCount)
    var unknown = Set<Unicode.Scalar>()
    for character in text {
      let token = Int(character.value) < tokens.count ? tokens[Int(character.value)] : -1
      if token < 0 { unknown.insert(character) } else { encoded.append(token) }
    }
    guard unknown.isEmpty else { throw VocabularyError(unknown: unknown.sorted(), known: self) }
    return encoded
  }

  /// The text of tokens; a token beyond the vocabulary becomes U+FFFD.
  public func decode(_ tokens: some Sequence<Int32>) -> String {
    var text = String.UnicodeScalarView()
    for token in tokens {
      text.append(characters.indices.contains(Int(token)) ? characters[Int(token)] : "\u{fffd}")
    }
    return String(text)
  }
}

/// A text has characters that the model does not know.
public struct VocabularyError: ExplainedError, Equatable {
  /// Each unknown character once, in order.
  public let unknown: [Unicode.Scalar]
  public let known: Vocabulary

  public var message: String {
    let names = unknown.prefix(20).map(Self.name).joined(separator: ", ")
    let rest = unknown.count > 20 ? " and \(unknown.count - 20) more" : ""
    return "characters outside the model's vocabulary: \(names)\(rest)"
  }

  public var hint: String {
    if unknown == ["\r"] {
      return "the text has line ends of Windows, and the model does not; tr -d '\\r' takes the "
        + "CRs out"
    }
    return
      "it knows \(known.count.grouped): \(known.characters.prefix(120).map(Self.visible).joined())"
  }

  private static func name(_ character: Unicode.Scalar) -> String {
    let hexadecimal = String(character.value, radix: 16, uppercase: true)
    let padding = String(repeating: "0", count: max(0, 4 - hexadecimal.count))
    return "'\(visible(character))' (U+\(padding)\(hexadecimal))"
  }

  /// The character, or its escape where it would break the line.
  private static func visible(_ character: Unicode.Scalar) -> String {
    switch character.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
      return character.escaped(asASCII: true)
    default:
      return String(character)
    }
  }
}
