import GraphIR
import Lowering
import Planning

/// A C function for one elementwise expression and one pattern of broadcasts: `ELEMENTWISE(…)`.
struct PointwiseFunction {
  /// How an input's elements meet the result's.
  enum Access: Hashable {
    case element  // x[i]
    case column  // repeated over rows: x[c]
    case columns  // repeated over groups of rows: x[r % period, c]
    case row  // repeated over columns: x[r]
    case rows  // repeated over columns and neighbouring rows: x[r / period]
    case groups  // repeated over neighbouring rows: x[r / period, c]
    case inner  // repeated over neighbouring groups of rows: x[r / period, r % group, c]
    case single  // one number: x[0]

    /// Whether the call gives the number of rows after which the input repeats or moves on.
    var hasPeriod: Bool {
      switch self {
      case .columns, .rows, .groups, .inner: true
      case .element, .column, .row, .single: false
      }
    }
  }

  let name: String

  /// The expression, its random streams numbered from 0: keys are arguments.
  let expression: ScalarExpression
  let access: [Int: Access]

  init(name: String, _ expression: ScalarExpression, _ access: [Int: Access]) {
    self.name = name
    self.expression = expression
    self.access = access
  }

  /// The streams with which dropout decides.
  var keeps: [Int] { expression.draws.filter { $0.rate != nil }.map(\.stream) }

  /// `key`, or `key1` where there are several.
  private func numbered(_ name: String, _ stream: Int, of streams: [Int]) -> String {
    streams.count == 1 ? name : "\(name)\(stream)"
  }

  /// Whether rows and columns are told apart.
  var isBroadcast: Bool { access.values.contains { $0 != .element && $0 != .single } }

  var kernels: [String] { ["elementwise"] + expression.kernels }

  /// The line that defines it.
  var text: String {
    let macro = isBroadcast ? "ELEMENTWISE_ROWS(" : "ELEMENTWISE("
    return CLines.wrapped(macro, [name, value] + arguments, ")").joined(separator: "\n")
  }

  /// What the function is given behind its result.
  private var arguments: [String] {
    var arguments = expression.inputs.map { "const float *x\($0)" }
    arguments += isBroadcast ? ["int rows", "int width"] : ["int count"]
    arguments += periods.map { "int period\($0)" } + groups.map { "int group\($0)" }
    arguments += keeps.map { "double \(numbered("rate", $0, of: keeps))" }
    arguments += streams.map { "uint64_t \(numbered("key", $0, of: streams))" }
    return arguments
  }

  /// The inputs whose period the call gives.
  var periods: [Int] { expression.inputs.filter { access[$0]?.hasPeriod ?? false } }

  /// Those of them whose rows in a period the call gives too.
  var groups: [Int] { periods.filter { access[$0] == .inner } }

  private var streams: [Int] { expression.streams }

  private var value: String {
    expression.c(within: 0) { leaf in
      switch leaf {
      case .input(let index): input(index)
      case .normal(let stream):
        "random_normal(\(numbered("key", stream, of: streams)), (uint32_t)i)"
      case .keep(let stream, _):
        "dropout_keep(\(numbered("key", stream, of: streams)), (uint32_t)i, "
          + "\(numbered("rate", stream, of: keeps)))"
      case .constant, .unary, .binary: ""
      }
    }
  }

  private func input(_ index: Int) -> String {
    switch access[index] ?? .element {
    case .element: "x\(index)[i]"
    case .column: "x\(index)[c]"
    case .columns: "x\(index)[r % period\(index) * width + c]"
    case .row: "x\(index)[r]"
    case .rows: "x\(index)[r / period\(index)]"
    case .groups: "x\(index)[r / period\(index) * width + c]"
    case .inner:
      "x\(index)[(r / period\(index) * group\(index) + r % group\(index)) * width + c]"
    case .single: "x\(index)[0]"
    }
  }
}

extension UnaryFunction {
  /// The kernel function of the same meaning; nil where an operator says it.
  var cFunction: String? {
    switch self {
    case .exp: "exp_f"
    case .log: "log_f"
    case .sqrt: "sqrt_f"
    case .sin: "sin_f"
    case .cos: "cos_f"
    case .tanh: "tanh_f"
    case .sigmoid: "sigmoid_f"
    case .softplus: "softplus_f"
    case .erf: "erf_f"
    case .negate, .relu, .step, .stop: nil
    }
  }

  /// The function of an operand that stands for itself, where an operator says it.
  fileprivate func applied(to operand: String) -> String {
    switch self {
    case .negate: "-\(operand)"
    case .relu: "\(operand) < 0 ? 0 : \(operand)"  // NaN stays NaN
    case .step: "\(operand) > 0 ? 1.0f : 0.0f"
    case .exp, .log, .sqrt, .sin, .cos, .tanh, .sigmoid, .softplus, .erf, .stop: operand
    }
  }
}

extension BinaryFunction {
  /// The kernel function of the same meaning; nil where an operator says it.
  fileprivate var cFunction: String? {
    switch self {
    case .maximum: "max_f"
    case .minimum: "min_f"
    case .power: "power_f"
    case .add, .subtract, .multiply, .divide: nil
    }
  }
}

extension ScalarExpression {
  /// The expression in C; `leaf` writes inputs and random numbers.
  func c(within precedence: Int, _ leaf: (ScalarExpression) -> String) -> String {
    switch self {
    case .input, .normal, .keep: leaf(self)
    case .constant(let value): value < 0 ? "(\(CNames.float(value)))" : CNames.float(value)
    case .unary(.stop, let a): a.c(within: precedence, leaf)
    case .unary(let function, let a): Self.c(function, a, within: precedence, leaf)
    case .binary(let function, let a, let b): Self.c(function, a, b, within: precedence, leaf)
    }
  }

  private static func c(
    _ function: BinaryFunction, _ a: ScalarExpression, _ b: ScalarExpression,
    within precedence: Int, _ leaf: (ScalarExpression) -> String
  ) -> String {
    if let name = function.cFunction {
      return "\(name)(\(a.c(within: 0, leaf)), \(b.c(within: 0, leaf)))"
    }
    let own = function.precedence ?? 0
    return parenthesized(
      "\(a.c(within: own, leaf)) \(function.rawValue) \(b.c(within: own + 1, leaf))",
      when: own < precedence)
  }

  private static func c(
    _ function: UnaryFunction, _ a: ScalarExpression, within precedence: Int,
    _ leaf: (ScalarExpression) -> String
  ) -> String {
    if let name = function.cFunction { return "\(name)(\(a.c(within: 0, leaf)))" }
    let operand = a.c(within: 3, leaf)
    return parenthesized(function.applied(to: operand), when: precedence > 0)
  }

  private static func parenthesized(_ text: String, when needed: Bool) -> String {
    needed ? "(\(text))" : text
  }
}

extension ScalarExpression {
  /// The kernel files that the expression's C needs.
  var kernels: [String] {
    var names: Set<String> = []
    visit {
      switch $0 {
      case .normal, .keep: names.insert("random")
      case .unary(.sin, _), .unary(.cos, _): names.insert("angles")
      case .unary(let function, _) where function.cFunction != nil: names.insert("scalar_math")
      case .binary(let function, _, _) where function.cFunction != nil:
        names.insert("scalar_math")
      case .input, .constant, .unary, .binary: break
      }
    }
    return names.sorted()
  }

  /// The same with the streams given other numbers.
  func renumberingStreams(_ number: (Int) -> Int) -> ScalarExpression {
    switch self {
    case .input, .constant: self
    case .normal(let stream): .normal(stream: number(stream))
    case .keep(let stream, let rate): .keep(stream: number(stream), rate: rate)
    case .unary(let function, let a): .unary(function, a.renumberingStreams(number))
    case .binary(let function, let a, let b):
      .binary(function, a.renumberingStreams(number), b.renumberingStreams(number))
    }
  }
}
