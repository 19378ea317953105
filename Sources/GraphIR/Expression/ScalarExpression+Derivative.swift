extension ScalarExpression {
  /// The derivative with respect to one input, simplified; streams stay, so that masks are recomputed.
  public func derivative(by input: Int) -> ScalarExpression {
    derivativeUnsimplified(by: input).simplified
  }

  private func derivativeUnsimplified(by input: Int) -> ScalarExpression {
    switch self {
    case .input(let index): .constant(index == input ? 1 : 0)
    case .constant, .normal, .keep: .constant(0)
    case .unary(let function, let a):
      function.derivative(at: a) * a.derivativeUnsimplified(by: input)
    case .binary(let function, let a, let b):
      function.derivative(
        a, b, a.derivativeUnsimplified(by: input), b.derivativeUnsimplified(by: input))
    }
  }

  /// Whether an input is read anywhere but under what has no slope: then the loss depends on it, even
  /// if its derivative is 0 because what comes back cancels, as in x - x.
  public func hasSlope(at input: Int) -> Bool {
    switch self {
    case .input(let index): index == input
    case .constant, .normal, .keep: false
    case .unary(.step, _), .unary(.stop, _): false
    case .unary(_, let a): a.hasSlope(at: input)
    case .binary(_, let a, let b): a.hasSlope(at: input) || b.hasSlope(at: input)
    }
  }

  /// For y = f(x) of a single input: dy/dx written with y alone, where that is possible.
  ///
  /// Then backward needs the result only, and the result may take the input's place in memory.
  public var derivativeByOutput: ScalarExpression? {
    guard case .unary(let function, .input(0)) = self else { return nil }
    let y = ScalarExpression.input(0)
    switch function {
    case .relu: return .unary(.step, y)
    case .tanh: return .constant(1) - y * y
    case .sigmoid: return y * (.constant(1) - y)
    case .exp: return y
    case .sqrt: return .constant(0.5) / y
    case .softplus: return .constant(1) - .unary(.exp, -y)
    case .negate, .log, .sin, .cos, .erf, .step, .stop: return nil
    }
  }
}

extension UnaryFunction {
  /// f'(x).
  func derivative(at x: ScalarExpression) -> ScalarExpression {
    let y = ScalarExpression.unary(self, x)
    let one = ScalarExpression.constant(1)
    switch self {
    case .negate: return .constant(-1)
    case .exp: return y
    case .log: return one / x
    case .sqrt: return .constant(0.5) / y
    case .sin: return .unary(.cos, x)
    case .cos: return -.unary(.sin, x)
    case .tanh: return one - y * y
    case .sigmoid: return y * (one - y)
    case .softplus: return .unary(.sigmoid, x)
    case .erf: return .constant(2 / Double.pi.squareRoot()) * .unary(.exp, -(x * x))
    case .relu: return .unary(.step, x)
    case .step, .stop: return .constant(0)
    }
  }
}

extension BinaryFunction {
  /// The product and quotient rules; of two equal numbers the first is the extreme one.
  func derivative(
    _ a: ScalarExpression, _ b: ScalarExpression, _ da: ScalarExpression, _ db: ScalarExpression
  ) -> ScalarExpression {
    switch self {
    case .add: da + db
    case .subtract: da - db
    case .multiply: da * b + a * db
    case .divide: da / b - a * db / (b * b)
    case .maximum: Self.chosen(da, db, ifAbove0: b - a)
    case .minimum: Self.chosen(da, db, ifAbove0: a - b)
    case .power:
      b * .binary(.power, a, b - .constant(1)) * da
        + .binary(.power, a, b) * .unary(.log, a) * db
    }
  }

  /// The slope of the second of two where the difference is above 0, else that of the first.
  private static func chosen(
    _ first: ScalarExpression, _ second: ScalarExpression, ifAbove0 difference: ScalarExpression
  ) -> ScalarExpression {
    let isSecond = ScalarExpression.unary(.step, difference)
    return (.constant(1) - isSecond) * first + isSecond * second
  }
}
