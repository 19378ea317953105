/// What parameters of a trial must be to one another: `chosen<=experts`, `experts*width<=4096`,
/// `gate==softmax`.
public struct Condition: Hashable, Sendable {
  /// As it was written.
  public let text: String
  private let left: [Factor]
  private let right: [Factor]
  private let comparison: Comparison

  private enum Comparison: String, CaseIterable {
    // Longer ones first, as they begin alike.
    case atMost = "<="
    case atLeast = ">="
    case equal = "=="
    case other = "!="
    case below = "<"
    case above = ">"
    case same = "="
  }

  /// A name or a value that is multiplied, or divided by.
  private struct Factor: Hashable {
    var word: String
    var isDivisor: Bool
  }

  /// Reads what `--where` takes. Errors: no comparison of two products.
  public init(parsing text: String) throws(SearchError) {
    let found = Comparison.allCases.compactMap { comparison in
      text.firstRange(of: comparison.rawValue).map { (comparison, $0) }
    }
    // The earliest, and of those that begin there the longest.
    guard let (comparison, range) = found.min(by: { $0.1.lowerBound < $1.1.lowerBound }),
      let left = Self.factors(text[..<range.lowerBound]),
      let right = Self.factors(text[range.upperBound...])
    else {
      throw SearchError(
        "\(text.isEmpty ? "an empty text" : text) is no condition",
        hint: "compare two parameters or products: chosen<=experts, experts*width<=4096")
    }
    (self.text, self.left, self.right, self.comparison) = (text, left, right, comparison)
  }

  private static func factors(_ text: Substring) -> [Factor]? {
    var factors: [Factor] = []
    var isDivisor = false
    var rest = text[...]
    while true {
      let word = rest.prefix { $0 != "*" && $0 != "/" }
      let name = word.filter { $0 != " " }
      let isWord = name.allSatisfy { $0.isLetter || $0.isNumber || "-_.+".contains($0) }
      guard !name.isEmpty, isWord else { return nil }
      factors.append(Factor(word: name, isDivisor: isDivisor))
      rest = rest[word.endIndex...]
      guard let sign = rest.first else { return factors }
      isDivisor = sign == "/"
      rest = rest.dropFirst()
    }
  }

  /// Everything that is no number: names of parameters, and words that they are compared with.
  public var words: [String] {
    (left + right).map(\.word).filter { TrialValue($0).asNumber == nil }
  }

  /// Whether it asks which side is larger: words are only equal or not.
  public var isOrdering: Bool {
    switch comparison {
    case .atMost, .atLeast, .below, .above: true
    case .equal, .other, .same: false
    }
  }

  /// Whether it is so. What is neither named nor a number is taken for a word.
  public func holds(_ values: TrialValues) -> Bool {
    func value(_ factor: Factor) -> TrialValue { values[factor.word] ?? TrialValue(factor.word) }
    func product(_ factors: [Factor]) -> Double? {
      var product = 1.0
      for factor in factors {
        guard let number = value(factor).asNumber else { return nil }
        product = factor.isDivisor ? product / number : product * number
      }
      return product
    }
    if let left = product(left), let right = product(right) {
      switch comparison {
      case .atMost: return left <= right
      case .atLeast: return left >= right
      case .equal, .same: return left == right
      case .other: return left != right
      case .below: return left < right
      case .above: return left > right
      }
    }
    guard left.count == 1, right.count == 1 else { return false }
    let areSame = value(left[0]).description == value(right[0]).description
    switch comparison {
    case .equal, .same: return areSame
    case .other: return !areSame
    case .atMost, .atLeast, .below, .above: return false
    }
  }
}
