extension ScalarExpression {
  /// What it is in evaluation, where dropout is off.
  public var inEvaluation: ScalarExpression { keepingAll.simplified }

  private var keepingAll: ScalarExpression {
    switch self {
    case .keep: .constant(1)
    case .input, .constant, .normal: self
    case .unary(let function, let a): .unary(function, a.keepingAll)
    case .binary(let function, let a, let b): .binary(function, a.keepingAll, b.keepingAll)
    }
  }

  /// Whether normal random numbers occur.
  public var drawsNormal: Bool {
    var isFound = false
    visit { if case .normal = $0 { isFound = true } }
    return isFound
  }
}
