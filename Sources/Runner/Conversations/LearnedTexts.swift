/// A text's tokens, and which of them a model is to learn to write.
struct LearnedText: Equatable, Sendable {
  var tokens: [Int32]
  /// Of each token; the first is given, whatever is said of it.
  var isLearned: [Bool]

  /// How many targets are kept.
  var learned: Int { isLearned.dropFirst().count { $0 } }
}

/// Many such texts, one behind the other.
struct LearnedTexts: Sendable {
  private(set) var tokens: [Int32] = []
  private(set) var isLearned: [Bool] = []
  /// Where each text begins, and where the last ends.
  private(set) var starts = [0]

  var count: Int { starts.count - 1 }

  mutating func append(_ text: LearnedText) {
    tokens += text.tokens
    isLearned += text.isLearned
    starts.append(tokens.count)
  }

  /// The texts at some places, by themselves.
  subscript(range: Range<Int>) -> LearnedTexts {
    var part = LearnedTexts()
    let span = starts[range.lowerBound]..<starts[range.upperBound]
    part.tokens = Array(tokens[span])
    part.isLearned = Array(isLearned[span])
    part.starts = starts[range.lowerBound...range.upperBound].map { $0 - span.lowerBound }
    return part
  }

  /// The places of a text's tokens.
  func span(of index: Int) -> Range<Int> { starts[index]..<starts[index + 1] }

  /// Places of a row that a text takes: its last token is a target alone.
  func length(of index: Int) -> Int { span(of: index).count - 1 }

  /// Targets of a text that are kept.
  func learned(of index: Int) -> Int {
    isLearned[span(of: index).dropFirst()].count { $0 }
  }
}
