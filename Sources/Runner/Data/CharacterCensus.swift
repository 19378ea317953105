import CText

/// The characters of a text.
struct CharacterCensus {
  /// How many there are.
  let count: Int
  /// Each one once, in ascending order.
  let distinct: [Unicode.Scalar]

  /// Of UTF-8 that is known to be right.
  init(_ text: [UInt8]) {
    var present = [UInt8](repeating: 0, count: TEXT_SCALARS)
    let found = text_mark_characters(text, text.count, &present)
    count = found.characters
    let values = [UInt32](unsafeUninitializedCapacity: found.distinct) { buffer, written in
      if let start = buffer.baseAddress { text_list_characters(present, start) }
      written = found.distinct
    }
    distinct = values.compactMap(Unicode.Scalar.init)
  }
}

extension Vocabulary {
  /// Tokens of UTF-8 that is known to be right and to have these characters. Errors: every
  /// character that is not known, named once.
  func encode(
    _ text: [UInt8], _ census: CharacterCensus
  ) throws(VocabularyError) -> [Int32] {
    let unknown = census.distinct.filter { !contains($0) }
    guard unknown.isEmpty else { throw VocabularyError(unknown: unknown, known: self) }
    return [Int32](unsafeUninitializedCapacity: census.count) { buffer, written in
      if let start = buffer.baseAddress { text_encode(text, text.count, tokens, start) }
      written = census.count
    }
  }
}
