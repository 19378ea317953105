extension ScalarExpression: CustomStringConvertible {
  /// As a formula: `x0 + relu(x1) * keep(stream 3, rate 0.1)`; parsed again by `Parser`.
  public var description: String { text(within: 0) }

  private func text(within precedence: Int) -> String {
    switch self {
    case .input(let index): "x\(index)"
    case .constant(let value): "\(value)"
    case .normal(let stream): "normal(stream \(stream))"
    case .keep(let stream, let rate): "keep(stream \(stream), rate \(rate))"
    case .unary(let function, let a): "\(function.rawValue)(\(a.text(within: 0)))"
    case .binary(let function, let a, let b): Self.text(function, a, b, within: precedence)
    }
  }

  private static func text(
    _ function: BinaryFunction, _ a: ScalarExpression, _ b: ScalarExpression, within outer: Int
  ) -> String {
    guard let own = function.precedence else {
      return "\(function.rawValue)(\(a.text(within: 0)), \(b.text(within: 0)))"
    }
    return parenthesized(
      "\(a.text(within: own)) \(function.rawValue) \(b.text(within: own + 1))", when: own < outer)
  }

  private static func parenthesized(_ text: String, when needed: Bool) -> String {
    needed ? "(\(text))" : text
  }
}

extension BinaryFunction {
  /// How tightly the infix form binds; nil where there is none, and it is written as a call.
  public var precedence: Int? {
    switch self {
    case .add, .subtract: 1
    case .multiply, .divide: 2
    case .maximum, .minimum, .power: nil
    }
  }
}
