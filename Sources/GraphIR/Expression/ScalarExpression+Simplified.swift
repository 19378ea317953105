extension ScalarExpression {
  /// The same function with constants folded and neutral elements removed.
  ///
  /// x · 0 becomes 0 although it is NaN for an infinite x: derivatives need it, and the other
  /// operand's own use still shows the NaN.
  public var simplified: ScalarExpression {
    switch self {
    case .input, .constant, .normal: self
    case .keep(_, let rate): rate == 0 ? .constant(1) : self
    case .unary(let function, let a): Self.simplify(function, a.simplified)
    case .binary(let function, let a, let b):
      Self.simplify(function, a.simplified, b.simplified)
    }
  }

  private static func simplify(_ function: UnaryFunction, _ a: Self) -> Self {
    switch (function, a) {
    case (.negate, .constant(let value)): .constant(-value)
    case (.negate, .unary(.negate, let inner)): inner
    case (.relu, .unary(.relu, _)), (.step, .unary(.step, _)), (.stop, .unary(.stop, _)): a
    case (.stop, .constant): a
    case (.step, .unary(.relu, let inner)): simplify(.step, inner)
    case (_, _): .unary(function, a)
    }
  }

  private static func simplify(_ function: BinaryFunction, _ a: Self, _ b: Self) -> Self {
    switch function {
    case .add: add(a, b)
    case .subtract: subtract(a, b)
    case .multiply: multiply(a, b)
    case .divide: divide(a, b)
    case .maximum, .minimum: extreme(function, a, b)
    case .power: power(a, b)
    }
  }

  private static func add(_ a: Self, _ b: Self) -> Self {
    switch (a, b) {
    case (.constant(let x), .constant(let y)): .constant(x + y)
    case (.constant(0), _): b
    case (_, .constant(0)): a
    case (_, .unary(.negate, let inner)): a - inner
    case (_, _): a + b
    }
  }

  private static func subtract(_ a: Self, _ b: Self) -> Self {
    switch (a, b) {
    case (.constant(let x), .constant(let y)): .constant(x - y)
    case (_, .constant(0)): a
    case (.constant(0), _): simplify(.negate, b)
    case (_, .unary(.negate, let inner)): a + inner
    case (_, _): a - b
    }
  }

  private static func multiply(_ a: Self, _ b: Self) -> Self {
    switch (a, b) {
    case (.constant(let x), .constant(let y)): .constant(x * y)
    case (.constant(0), _), (_, .constant(0)): .constant(0)
    case (.constant(1), _): b
    case (_, .constant(1)): a
    case (.constant(-1), _): simplify(.negate, b)
    case (_, .constant(-1)): simplify(.negate, a)
    case (.constant(let x), .binary(.multiply, .constant(let y), let rest)):
      multiply(.constant(x * y), rest)
    case (_, .constant): multiply(b, a)  // constants in front, so that they meet
    case (_, _): a * b
    }
  }

  private static func divide(_ a: Self, _ b: Self) -> Self {
    switch (a, b) {
    case (.constant(let x), .constant(let y)) where y != 0: .constant(x / y)
    case (.constant(0), _): .constant(0)
    case (_, .constant(1)): a
    case (_, _): a / b
    }
  }

  private static func extreme(_ function: BinaryFunction, _ a: Self, _ b: Self) -> Self {
    guard case .constant(let x) = a, case .constant(let y) = b else {
      return .binary(function, a, b)
    }
    return .constant(function == .maximum ? max(x, y) : min(x, y))
  }

  private static func power(_ a: Self, _ b: Self) -> Self {
    switch b {
    case .constant(0): .constant(1)
    case .constant(1): a
    case _: .binary(.power, a, b)
    }
  }
}
