import GraphIR

// Elementwise arithmetic, number by number.
extension DocumentSite {
  func pointwise(_ op: Pointwise) throws(Diagnostic) -> DocumentReach {
    if reaches.contains(.turned) {
      guard types.count == 1, op.expression.isScaled else {
        throw node.refusal(
          "changes what is turned by the position in the row, which documents share",
          hint: "turn queries and keys as the last step before their product")
      }
      return .turned
    }
    let hiding = reaches.compactMap { reach -> DocumentReach.Hidden?? in
      if case .pairs(let hidden) = reach { .some(hidden) } else { nil }
    }
    guard let first = hiding.first else { return .own }
    return .pairs(hidden(first, op.expression))
  }

  /// What stays hidden of squares that are alike.
  private func hidden(
    _ first: DocumentReach.Hidden?, _ expression: ScalarExpression
  ) -> DocumentReach.Hidden? {
    let masked = reaches.indices.filter {
      if case .pairs(.some) = reaches[$0] { true } else { false }
    }
    guard let place = masked.first, case .pairs(var hidden?) = reaches[place],
      masked.allSatisfy({
        if case .pairs(let other?) = reaches[$0] {
          other.queries == hidden.queries && other.keys == hidden.keys
        } else {
          false
        }
      })
    else { return nil }
    func fills(_ fill: CausalMask.Fill) -> Set<Int> {
      Set(
        masked.filter {
          if case .pairs(let other?) = reaches[$0] { other.fill == fill } else { false }
        })
    }
    if expression.isZero(where: fills(.zero)) {
      hidden.fill = .zero
      return hidden
    }
    if expression.isMinusInfinity(where: fills(.minusInfinity)) {
      hidden.fill = .minusInfinity
      return hidden
    }
    return nil
  }
}

extension ScalarExpression {
  /// Whether it is its only operand times a number.
  fileprivate var isScaled: Bool {
    switch self {
    case .input: true
    case .unary(.negate, let a): a.isScaled
    case .binary(.multiply, .constant, let a), .binary(.multiply, let a, .constant): a.isScaled
    case .binary(.divide, let a, .constant): a.isScaled
    case .constant, .normal, .keep, .unary, .binary: false
    }
  }

  /// Whether it is 0 where these operands are.
  fileprivate func isZero(where operands: Set<Int>) -> Bool {
    switch self {
    case .input(let index): operands.contains(index)
    case .constant(let value): value == 0
    case .unary(.negate, let a): a.isZero(where: operands)
    case .binary(.multiply, let a, let b):
      a.isZero(where: operands) || b.isZero(where: operands)
    case .binary(.divide, let a, _): a.isZero(where: operands)
    case .binary(.add, let a, let b), .binary(.subtract, let a, let b):
      a.isZero(where: operands) && b.isZero(where: operands)
    case .normal, .keep, .unary, .binary: false
    }
  }

  /// Whether it is -∞ where these operands are, and others are finite.
  fileprivate func isMinusInfinity(where operands: Set<Int>) -> Bool {
    switch self {
    case .input(let index): operands.contains(index)
    case .binary(.add, let a, let b):
      a.isMinusInfinity(where: operands) && b.isFinite(without: operands)
        || b.isMinusInfinity(where: operands) && a.isFinite(without: operands)
        || a.isMinusInfinity(where: operands) && b.isMinusInfinity(where: operands)
    case .binary(.subtract, let a, let b):
      a.isMinusInfinity(where: operands) && b.isFinite(without: operands)
    case .binary(.multiply, .constant(let factor), let a),
      .binary(.multiply, let a, .constant(let factor)),
      .binary(.divide, let a, .constant(let factor)):
      factor > 0 && a.isMinusInfinity(where: operands)
    case .constant, .normal, .keep, .unary, .binary: false
    }
  }

  /// Whether it reads none of these operands.
  private func isFinite(without operands: Set<Int>) -> Bool {
    switch self {
    case .input(let index): !operands.contains(index)
    case .constant, .normal, .keep: true
    case .unary(_, let a): a.isFinite(without: operands)
    case .binary(_, let a, let b): a.isFinite(without: operands) && b.isFinite(without: operands)
    }
  }
}
