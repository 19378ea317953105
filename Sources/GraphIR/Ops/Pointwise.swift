/// Elementwise math: one scalar expression, evaluated for every element.
///
///     y[i] = f(x₀[i], x₁[i], …)
///
///     x₀ …: f32; an input with fewer axes than the result is repeated along the missing leading
///     axes, or along the missing trailing ones
///
/// Gradient: dxₖ = dy · ∂f/∂xₖ, symbolic, summed over the axes along which xₖ was repeated. Where the
/// derivative can be written with y alone (relu, tanh, …), backward reads y, not x.
public struct Pointwise: DifferentiableOperation {
  public static let formula = "y[i] = f(x0[i], x1[i], ...)"

  public var expression: ScalarExpression

  public init(_ expression: ScalarExpression) { self.expression = expression.simplified }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    guard let largest = inputs.max(by: { $0.axes.count < $1.axes.count }) else {
      throw Mismatch("pointwise: expected at least one input")
    }
    let result =
      inputs.first { $0.experts != nil && $0.axes.count == largest.axes.count }
      ?? largest
    guard expression.inputs.allSatisfy({ $0 < inputs.count }) else {
      throw Mismatch("pointwise: expression uses more inputs than the \(inputs.count) given")
    }
    for input in inputs {
      try expectFloat("pointwise", input)
      try expectBroadcast(input, to: result)
    }
    return [result]
  }

  private func expectBroadcast(_ input: TensorType, to result: TensorType) throws(Mismatch) {
    if input.broadcasts(to: result) { return }
    if (input.experts == nil) != (result.experts == nil) {
      throw Mismatch(
        "elementwise: rows sorted by expert do not meet unsorted rows, \(result) and \(input)",
        hint: "bring them back to their tokens with .combined() first")
    }
    let isOfSize = input.axes.map(\.size) == result.axes.map(\.size)
    throw Mismatch(
      "elementwise: axes differ, \(result) and \(input)"
        + (isOfSize ? ", which have the same sizes and are not the same axes" : ""))
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return node.inputs.map { _ in nil } }
    return node.inputs.indices.map { index in
      guard let full = inputGradient(index, dy, node, &g) else { return nil }
      let target = g.type(of: node.inputs[index])
      if g.type(of: full) == target { return full }
      return g.emitOne(.sum(Sum(to: target.axes)), [full])
    }
  }

  private func inputGradient(
    _ index: Int, _ dy: Value, _ node: GradientSite, _ g: inout GraphBuilder
  ) -> Value? {
    if node.inputs.count == 1, let byOutput = expression.derivativeByOutput {
      return g.pointwise(.input(1) * byOutput, [node.results[0], dy])
    }
    let derivative = expression.derivative(by: index)
    if derivative == .constant(0) {
      // A gradient that cancels is one: 0. Whether x comes once or twice among the operands of x - x
      // decides nothing.
      return expression.hasSlope(at: index) ? g.pointwise(.constant(0), [dy]) : nil
    }
    if derivative == .constant(1) { return dy }
    // Only the inputs that the derivative reads become operands; dy comes last.
    let needed = derivative.inputs
    let renumbered = derivative.substituting { .input(needed.firstIndex(of: $0) ?? 0) }
    return g.pointwise(
      .input(needed.count) * renumbered, needed.map { node.inputs[$0] } + [dy])
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: expression.operations * results[0].count)
  }

  public var attributes: Attributes { Attributes().with("f", .expression(expression)) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(try reader.expression("f"))
  }

  public static var samples: [Sample] {
    UnaryFunction.allCases.filter { $0 != .log }.map { function in
      Sample("pointwise \(function.rawValue)", hasGradients: function != .step) { s in
        let x = s.operand("x", width: Axis("C", 6))
        return [s.g.pointwise(.unary(function, .input(0)), [x])]
      }
    } + [
      Sample("pointwise log") { s in
        let x = s.operand("x", width: Axis("C", 6))
        let positive = ScalarExpression.input(0) * .input(0) + .constant(0.5)
        return [s.g.pointwise(.unary(.log, positive), [x])]
      },
      Sample("pointwise quotient and dropout") { s in
        let (x, y) = (s.operand("x", width: Axis("C", 17)), s.operand("y", width: Axis("C", 17)))
        let f: ScalarExpression =
          .input(0) / (.input(1) * .input(1) + .constant(1)) - .input(0)
          * .keep(stream: 0, rate: 0.3) + .normal(stream: 1) * .input(1)
        return [s.g.pointwise(f, [x, y])]
      },
      Sample("pointwise broadcast") { s in
        let C = Axis("C", 6)
        let x = s.operand("x", width: C)
        let leading = s.operand("leading", [s.batch, s.context])
        let (trailing, row) = (s.operand("trailing", [s.context, C]), s.operand("row", [C]))
        let f: ScalarExpression = .input(0) * .input(1) + .input(2) * .input(3)
        return [s.g.pointwise(f, [x, leading, trailing, row])]
      },
      Sample("pointwise size 1", vocabulary: 2, context: 1, batch: 1) { s in
        let x = s.operand("x", width: Axis("C", 1))
        return [s.g.pointwise(.input(0) * .unary(.sigmoid, .input(0)), [x])]
      },
    ]
  }
}
