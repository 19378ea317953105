/// Elementwise math as a small tree, evaluated for each element of a `pointwise` op.
public indirect enum ScalarExpression: Hashable, Sendable {
  /// The element of the op's input of that number.
  case input(Int)
  case constant(Double)
  case unary(UnaryFunction, ScalarExpression)
  case binary(BinaryFunction, ScalarExpression, ScalarExpression)

  /// A standard normal number, drawn by (seed, stream, element); the same in training and evaluation.
  case normal(stream: Int)

  /// Dropout's factor by (seed, stream, element): 0 with probability `rate`, else 1 / (1 - rate); 1 in evaluation.
  case keep(stream: Int, rate: Double)
}

/// Functions of one number.
public enum UnaryFunction: String, Hashable, Sendable, CaseIterable {
  case negate
  case exp
  case log
  case sqrt
  case sin  // of an angle in radians
  case cos
  case tanh
  case sigmoid  // 1 / (1 + exp(-x))
  case softplus  // log(1 + exp(x))
  case erf
  case relu  // max(x, 0); NaN stays NaN
  case step  // 1 where x > 0, else 0
  case stop  // x, as a number on which nothing depends
}

/// Functions of two numbers.
public enum BinaryFunction: String, Hashable, Sendable, CaseIterable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case maximum = "max"  // the first where they are equal; NaN where one is
  case minimum = "min"  // the same
  case power  // NaN where a < 0 and b is no whole number
}

extension ScalarExpression {
  public static func + (a: Self, b: Self) -> Self { .binary(.add, a, b) }
  public static func - (a: Self, b: Self) -> Self { .binary(.subtract, a, b) }
  public static func * (a: Self, b: Self) -> Self { .binary(.multiply, a, b) }
  public static func / (a: Self, b: Self) -> Self { .binary(.divide, a, b) }
  public static prefix func - (a: Self) -> Self { .unary(.negate, a) }

  /// The expression with every input replaced: fusion is substitution.
  public func substituting(_ replacement: (Int) -> ScalarExpression) -> ScalarExpression {
    switch self {
    case .input(let index): replacement(index)
    case .constant, .normal, .keep: self
    case .unary(let function, let a): .unary(function, a.substituting(replacement))
    case .binary(let function, let a, let b):
      .binary(function, a.substituting(replacement), b.substituting(replacement))
    }
  }

  /// The inputs that occur, ascending.
  public var inputs: [Int] {
    var found: Set<Int> = []
    visit { if case .input(let index) = $0 { found.insert(index) } }
    return found.sorted()
  }

  /// The random streams that occur, ascending.
  public var streams: [Int] {
    var found: Set<Int> = []
    visit {
      switch $0 {
      case .normal(let stream), .keep(let stream, _): found.insert(stream)
      case .input, .constant, .unary, .binary: break
      }
    }
    return found.sorted()
  }

  /// The number of functions applied to each element.
  public var operations: Int {
    var count = 0
    visit {
      switch $0 {
      case .unary, .binary: count += 1
      case .input, .constant, .normal, .keep: break
      }
    }
    return count
  }

  /// Calls `body` for the expression and every part of it, parents first.
  public func visit(_ body: (ScalarExpression) -> Void) {
    body(self)
    switch self {
    case .input, .constant, .normal, .keep: break
    case .unary(_, let a): a.visit(body)
    case .binary(_, let a, let b):
      a.visit(body)
      b.visit(body)
    }
  }
}
