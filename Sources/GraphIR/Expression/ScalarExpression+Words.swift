extension ScalarExpression {
  /// The expression in a word, for a reader who is told nothing else of it.
  var word: String {
    switch self {
    case .normal: "normal"
    case .keep: "mask"
    case .constant, .input: "copy"
    case .unary(let function, _): function.rawValue
    case .binary where contains({ if case .normal = $0 { true } else { false } }): "noisy"
    case .binary(.add, _, _), .binary(.subtract, _, _): "sum"
    case .binary where contains({ if case .keep = $0 { true } else { false } }): "dropped"
    case .binary(.multiply, .constant, _), .binary(.multiply, _, .constant): "scaled"
    case .binary(.multiply, _, _): "product"
    case .binary(.divide, _, _): "quotient"
    case .binary(.maximum, _, _): "maximum"
    case .binary(.minimum, _, _): "minimum"
    case .binary(.power, _, _): "power"
    }
  }

  private func contains(_ predicate: (ScalarExpression) -> Bool) -> Bool {
    var found = false
    visit { if predicate($0) { found = true } }
    return found
  }

  /// The expression as text that may stand after a `*`.
  var asFactor: String {
    if case .binary(let function, _, _) = self, function.precedence != nil {
      "(\(self))"
    } else {
      "\(self)"
    }
  }
}
