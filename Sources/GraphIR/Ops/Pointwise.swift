/// Elementwise math: one scalar expression, evaluated for every element.
///
///     y[i] = f(x₀[i], x₁[i], …)
///
///     x₀ …: f32; an input with fewer axes than the result is repeated along the missing leading
///     axes, along the missing trailing ones, or along missing ones between
///
/// Gradient: dxₖ = dy · ∂f/∂xₖ, symbolic, summed over the axes along which xₖ was repeated. Where the
/// derivative can be written with y alone (relu, tanh, …), backward reads y, not x.
public struct Pointwise: ForwardOperation {
  public static let kind = OpKind.pointwise
  public static let formula = "y[i] = f(x0[i], x1[i], ...)"

  public var expression: ScalarExpression

  public init(_ expression: ScalarExpression) { self.expression = expression.simplified }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    if inputs.isEmpty { throw Mismatch("pointwise: expected at least one input") }
    let result = Self.result(of: inputs)
    guard expression.inputs.allSatisfy({ $0 < inputs.count }) else {
      throw Mismatch("pointwise: expression uses more inputs than the \(inputs.count) given")
    }
    for input in inputs {
      try expectFloat("pointwise", input)
      try expectBroadcast(input, to: result)
    }
    return [result]
  }

  /// The input whose axes the result has: of those with most axes the one with sorted rows, if any.
  private static func result(of inputs: [TensorType]) -> TensorType {
    let count = inputs.map(\.axes.count).max()
    let largest = inputs.filter { $0.axes.count == count }
    return largest.first { $0.experts != nil } ?? largest.first ?? .scalar
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
        + (isOfSize ? ", which have the same sizes and are not the same axes" : ""),
      hint: Self.hint(ofSize1: input, result))
  }

  /// What to do about axes of size 1 that meet longer ones, as they may in other programs.
  private static func hint(ofSize1 a: TensorType, _ b: TensorType) -> String? {
    guard a.axes.count == b.axes.count else { return nil }
    let alone = zip(a.axes, b.axes).filter { $0 != $1 }
      .map { $0.size < $1.size ? $0 : $1 }
    guard !alone.isEmpty, alone.allSatisfy({ $0.size == 1 }) else { return nil }
    let axes = alone.map(\.description).joined(separator: ", ")
    return
      "an axis of size 1 is not repeated: leave it out, as .sum(over: \(axes)) does, and the rest is"
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

  public var op: Op { .pointwise(self) }
  public var streams: [StreamUse] { expression.streamUses }
  public func mappingStreams(_ number: (Int) -> Int) -> Self {
    Pointwise(expression.mappingStreams(number))
  }
  public var sortedRows: SortedRows { .rowByRow }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { inputs.map { _ in .operand } }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meet(meetings(pass.plain), "elementwise")
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { [expression.word] }
  public var gradientFormulas: [String] {
    expression.inputs.compactMap { input in
      switch expression.derivative(by: input) {
      case .constant(0): return nil
      case .constant(1): return "dx\(input) = dy"
      case let derivative: return "dx\(input) = dy * \(derivative.asFactor)"
      }
    }
  }
  public func slopes(_ inputs: [TensorType]) -> [Int] {
    inputs.indices.filter { expression.derivative(by: $0) != .constant(0) }
  }
  public func use(ofParameter operand: Int) -> ParameterUse {
    switch expression.share(of: operand) {
    case .none, .scaled: .kept
    case .added: .added
    case .factor: .role(.weight)
    }
  }
  public var rowOperands: [Int] { expression.inputs }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    expression.inEvaluation.drawsNormal ? .joined("draws random numbers in every pass") : .apart
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    let result = Self.result(of: inputs).axes
    var meetings = result.map { _ in AxisMeeting() }
    for operand in inputs.indices {
      let axes = inputs[operand].axes
      guard let repetition = Repetition(of: axes, in: result) else { continue }
      for axis in axes.indices {
        let place = repetition.place(of: axis, missing: result.count - axes.count)
        meetings[place].append(AxisPlace(operand, axis))
      }
    }
    return meetings
  }

  public var attributes: Attributes { Attributes().with("f", .expression(expression)) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(try reader.expression("f"))
  }

  public static var samples: [Sample] {
    UnaryFunction.allCases.filter { ![.log, .sqrt, .stop].contains($0) }.map { function in
      Sample("pointwise \(function.rawValue)", hasGradients: function != .step) { s in
        let x = s.operand("x", width: Axis("C", 6))
        return [s.g.pointwise(.unary(function, .input(0)), [x])]
      }
    } + [
      Sample("pointwise log, sqrt and power") { s in
        let (x, y) = (s.operand("x", width: Axis("C", 6)), s.operand("y", width: Axis("C", 6)))
        let positive = ScalarExpression.input(0) * .input(0) + .constant(0.5)
        let computed = s.g.pointwise(positive, [x])
        return [
          s.g.pointwise(.unary(.log, positive), [x]),
          s.g.pointwise(.unary(.sqrt, positive), [x]),
          s.g.pointwise(.unary(.sqrt, .input(0)), [computed]),
          s.g.pointwise(.binary(.power, positive, .constant(-1.5)), [x]),
          s.g.pointwise(.binary(.power, positive, .input(1)), [x, y]),
        ]
      },
      Sample("pointwise maximum and minimum") { s in
        let C = Axis("C", 17)
        let (x, y) = (s.operand("x", width: C), s.operand("y", [C]))
        let clamped = ScalarExpression.binary(
          .minimum, .binary(.maximum, .input(0), .constant(-0.5)), .constant(0.7))
        return [
          s.g.pointwise(.binary(.maximum, .input(0), .input(1)), [x, y]),
          s.g.pointwise(.binary(.minimum, .input(0), .input(1)), [x, y]),
          s.g.pointwise(clamped, [x]),
        ]
      },
      Sample("pointwise stop") { s in
        let (x, y) = (s.operand("x", width: Axis("C", 6)), s.operand("y", width: Axis("C", 6)))
        let f = ScalarExpression.unary(.stop, .input(0) * .input(1)) * .input(1) + .input(0)
        return [s.g.pointwise(f, [x, y])]
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
        let around = s.operand("around", [s.batch, C])
        let f: ScalarExpression = .input(0) * .input(1) + .input(2) * .input(3) * .input(4)
        return [s.g.pointwise(f, [x, leading, trailing, row, around])]
      },
      Sample("pointwise size 1", vocabulary: 2, context: 1, batch: 1) { s in
        let x = s.operand("x", width: Axis("C", 1))
        return [s.g.pointwise(.input(0) * .unary(.sigmoid, .input(0)), [x])]
      },
    ]
  }
}
