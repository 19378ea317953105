import GraphIR
import Lowering
import Planning

/// A static C function for one elementwise expression and one pattern of broadcasts.
struct PointwiseFunction {
  /// How an input's elements meet the result's.
  enum Access: Hashable {
    case element  // x[i]
    case column  // repeated over rows: x[c]
    case columns  // repeated over groups of rows: x[r % period, c]
    case row  // repeated over columns: x[r]
    case rows  // repeated over columns and neighbouring rows: x[r / period]
    case single  // one number: x[0]

    /// Whether the call gives the number of rows after which the input repeats or moves on.
    var hasPeriod: Bool { self == .columns || self == .rows }
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

  /// `key`, or `key_1` where there are several.
  private func numbered(_ name: String, _ stream: Int, of streams: [Int]) -> String {
    streams.count == 1 ? name : "\(name)_\(stream)"
  }

  /// Whether rows and columns are told apart.
  var isBroadcast: Bool { access.values.contains { $0 != .element && $0 != .single } }

  var kernels: [String] {
    var names: Set<String> = ["base"]
    expression.visit {
      switch $0 {
      case .normal, .keep: names.insert("random")
      case .unary(let function, _) where function.cFunction != nil: names.insert("scalar_math")
      case .input, .constant, .unary, .binary: break
      }
    }
    return names.sorted()
  }

  /// The function's text.
  var text: String {
    let comment = "// y = \(expression.formula(within: 0)), element by element"
    return ([comment] + signature + body + ["}"]).joined(separator: "\n")
  }

  private var signature: [String] {
    var arguments = ["float *y"] + expression.inputs.map { "const float *x\($0)" }
    arguments += isBroadcast ? ["int rows", "int width"] : ["int count"]
    arguments += periods.map { "int period_\($0)" }
    arguments += keeps.map { "double \(numbered("rate", $0, of: keeps))" }
    arguments += streams.map { "uint64_t \(numbered("key", $0, of: streams))" }
    return Self.wrapped("static void \(name)(", arguments, ") {")
  }

  /// The inputs whose period the call gives.
  var periods: [Int] { expression.inputs.filter { access[$0]?.hasPeriod ?? false } }

  private var body: [String] { isBroadcast ? broadcastLoops : flatLoops }

  private var streams: [Int] { expression.streams }

  private var flatLoops: [String] {
    [
      "    #pragma omp parallel if (count > 8192)",
      "    FOR_OWN(block, blocks_of(count, 4096)) {",
      "        const int first = 4096 * block, end = smaller(count, first + 4096);",
      "        #pragma omp simd",
      "        for (int i = first; i < end; i++) { y[i] = \(value(element: "i", row: "", column: "")); }",
      "    }",
    ]
  }

  private var broadcastLoops: [String] {
    [
      "    #pragma omp parallel if (rows * width > 8192)",
      "    FOR_OWN(r, rows) {",
      "        const int first = r * width;",
      "        #pragma omp simd",
      "        for (int c = 0; c < width; c++) { y[first + c] = \(value(element: "first + c", row: "r", column: "c")); }",
      "    }",
    ]
  }

  private func value(element: String, row: String, column: String) -> String {
    expression.c(within: 0) { leaf in
      switch leaf {
      case .input(let index):
        switch access[index] ?? .element {
        case .element: "x\(index)[\(element)]"
        case .column: "x\(index)[\(column)]"
        case .columns: "x\(index)[\(row) % period_\(index) * width + \(column)]"
        case .row: "x\(index)[\(row)]"
        case .rows: "x\(index)[\(row) / period_\(index)]"
        case .single: "x\(index)[0]"
        }
      case .normal(let stream):
        "random_normal(\(numbered("key", stream, of: streams)), \(Self.unsigned(element)))"
      case .keep(let stream, _):
        "dropout_keep(\(numbered("key", stream, of: streams)), \(Self.unsigned(element)), "
          + "\(numbered("rate", stream, of: keeps)))"
      case .constant, .unary, .binary: ""
      }
    }
  }

  private static func unsigned(_ index: String) -> String {
    index.contains(" ") ? "(uint32_t)(\(index))" : "(uint32_t)\(index)"
  }

  /// A call or signature, its arguments broken over lines of at most 110 columns.
  static func wrapped(_ opening: String, _ arguments: [String], _ closing: String) -> [String] {
    var lines: [String] = []
    var line = opening
    let indent = String(repeating: " ", count: opening.count)
    // A long argument that is a list itself may be broken at its commas.
    let pieces = arguments.map { argument -> [String] in
      argument.count + indent.count < 108 ? [argument] : argument.brokenAtFields
    }
    let flat = pieces.enumerated().flatMap { index, parts in
      parts.enumerated().map { part, text in
        text + (part < parts.count - 1 ? "" : index == pieces.count - 1 ? closing : ",")
      }
    }
    for piece in flat {
      if line.count + piece.count + 1 > 110 && line.trimmingEnd != indent.trimmingEnd {
        lines.append(line.trimmingEnd)
        line = indent
      }
      line += (line.hasSuffix("(") || line == indent ? "" : " ") + piece
    }
    return lines + [arguments.isEmpty ? line + closing : line]
  }
}

extension String {
  /// The text cut after each comma that a field `.name` follows.
  fileprivate var brokenAtFields: [String] {
    var parts: [String] = []
    for part in split(separator: ", .", omittingEmptySubsequences: false) {
      if !parts.isEmpty { parts[parts.count - 1] += "," }
      parts.append(parts.isEmpty ? String(part) : "." + part)
    }
    return parts
  }

  fileprivate var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}

extension UnaryFunction {
  /// The kernel function of the same meaning; nil where an operator says it.
  var cFunction: String? {
    switch self {
    case .exp: "exp_f"
    case .log: "log_f"
    case .tanh: "tanh_f"
    case .sigmoid: "sigmoid_f"
    case .softplus: "softplus_f"
    case .erf: "erf_f"
    case .negate, .relu, .step: nil
    }
  }
}

extension ScalarExpression {
  /// The expression in C; `leaf` writes inputs and random numbers.
  func c(within precedence: Int, _ leaf: (ScalarExpression) -> String) -> String {
    switch self {
    case .input, .normal, .keep: leaf(self)
    case .constant(let value): value < 0 ? "(\(CNames.float(value)))" : CNames.float(value)
    case .unary(let function, let a): Self.c(function, a, leaf)
    case .binary(let function, let a, let b):
      Self.parenthesized(
        "\(a.c(within: function.precedence, leaf)) \(function.rawValue) "
          + b.c(within: function.precedence + 1, leaf),
        when: function.precedence < precedence)
    }
  }

  private static func c(
    _ function: UnaryFunction, _ a: ScalarExpression, _ leaf: (ScalarExpression) -> String
  ) -> String {
    let inner = a.c(within: 0, leaf)
    if let name = function.cFunction { return "\(name)(\(inner))" }
    let operand = a.c(within: 3, leaf)
    switch function {
    case .negate: return "(-\(operand))"
    case .relu: return "(\(operand) < 0 ? 0 : \(operand))"  // NaN stays NaN
    case .step: return "(\(operand) > 0 ? 1.0f : 0.0f)"
    case .exp, .log, .tanh, .sigmoid, .softplus, .erf: return inner
    }
  }

  private static func parenthesized(_ text: String, when needed: Bool) -> String {
    needed ? "(\(text))" : text
  }
}

extension ScalarExpression {
  /// The expression for a reader: `x0 + dropout(x1)`.
  func formula(
    within precedence: Int, input: (Int) -> String = { "x\($0)" }
  ) -> String {
    switch self {
    case .input(let index): return input(index)
    case .constant(let value): return "\(Float(value))"
    case .normal: return "normal"
    case .keep: return "keep"
    case .unary(.negate, let a): return "-\(a.formula(within: 3, input: input))"
    case .unary(let function, let a):
      return "\(function.rawValue)(\(a.formula(within: 0, input: input)))"
    case .binary(.multiply, let a, .keep), .binary(.multiply, .keep, let a):
      return "dropout(\(a.formula(within: 0, input: input)))"
    case .binary(let function, let a, let b):
      let text =
        "\(a.formula(within: function.precedence, input: input)) \(function.rawValue) "
        + b.formula(within: function.precedence + 1, input: input)
      return function.precedence < precedence ? "(\(text))" : text
    }
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
