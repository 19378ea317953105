extension ScalarExpression {
  /// What part an input has in the expression.
  enum Share: Int {
    /// It does not occur.
    case none

    /// a x + b with constants a and b.
    case scaled

    /// The same, added to something that has other inputs.
    case added

    /// Anything else.
    case factor
  }

  func share(of input: Int) -> Share {
    switch self {
    case .input(let index): return index == input ? .scaled : .none
    case .constant, .normal, .keep: return .none
    case .unary(.negate, let a), .unary(.stop, let a): return a.share(of: input)
    case .unary(_, let a): return a.share(of: input).asOperand
    case .binary(let function, let a, let b):
      let (left, right) = (a.share(of: input), b.share(of: input))
      switch function {
      case .add, .subtract:
        let largest = left.rawValue > right.rawValue ? left : right
        let isWithOthers = left == .none && !a.inputs.isEmpty || right == .none && !b.inputs.isEmpty
        return largest == .scaled && isWithOthers ? .added : largest
      case .multiply, .divide:
        if right == .none && b.inputs.isEmpty { return left }
        if left == .none && a.inputs.isEmpty && function == .multiply { return right }
        return left.rawValue > right.rawValue ? left.asOperand : right.asOperand
      case .maximum, .minimum, .power:
        return left.rawValue > right.rawValue ? left.asOperand : right.asOperand
      }
    }
  }
}

extension ScalarExpression.Share {
  /// The part of an input of which the function is more than a multiple.
  var asOperand: Self { self == .scaled ? .factor : self }
}
