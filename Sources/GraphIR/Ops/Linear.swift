/// A linear layer: one weight matrix for all rows, or one per expert for rows sorted by expert.
///
///     y[r, :] = w x[r, :] + b              x f32[R…, I]      w f32[O, I]       b f32[O]
///     y[r, :] = w[e] x[r, :] + b[e]        x f32[R, I] by E  w f32[E, O, I]    b f32[E, O]
///
/// Inputs: x, w, b if `bias`, and for rows sorted by expert `start` i32[E+1]: expert e owns the rows
/// start[e] ..< start[e + 1].
///
/// Gradient: dx = dy w, dw = dyᵀ x, db = Σ dy; backward reads x and w.
public struct Linear: ForwardOperation {
  public static let kind = OpKind.linear
  public static let formula = "y[r, :] = w x[r, :] + b"

  public var bias: Bool

  public init(bias: Bool) { self.bias = bias }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    guard let x = inputs.first, let input = x.axes.last else {
      throw Mismatch("linear: expected a tensor with at least one axis")
    }
    try expectCount("linear", inputs, 2 + (bias ? 1 : 0) + (x.experts == nil ? 0 : 1))
    try expectFloat("linear", x, inputs[1])
    let stack = x.experts.map { [$0] } ?? []
    let w = inputs[1]
    guard w.axes.count == stack.count + 2, Array(w.axes.prefix(stack.count)) == stack else {
      throw Mismatch(
        "linear: \(x) needs weights [\((stack.map(\.description) + ["out", "in"]).joined(separator: ", "))], got \(w)"
      )
    }
    let output = w.axes[stack.count]
    try expectInner("linear", input, w.axes[stack.count + 1])
    if bias { try expectSame("linear", "bias", TensorType(.f32, stack + [output]), inputs[2]) }
    if let experts = x.experts {
      try expectSame("linear", "start", .i32(experts.plusOne), inputs[inputs.count - 1])
    }
    return [x.replacingLast(with: output)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return node.inputs.map { _ in nil } }
    let start =
      g.type(of: node.inputs[0]).experts == nil ? [] : [node.inputs[node.inputs.count - 1]]
    let dx =
      node.isWanted[0]
      ? g.emitOne(.linearInputGradient(LinearInputGradient()), [dy, node.inputs[1]] + start) : nil
    return [dx] + parameterGradients(dy, node, start, &g) + start.map { _ in nil }
  }

  /// dw and db, as far as they are wanted: db alone is a sum, but by expert.
  private func parameterGradients(
    _ dy: Value, _ node: GradientSite, _ start: [Value], _ g: inout GraphBuilder
  ) -> [Value?] {
    let (wantsWeight, wantsBias) = (node.isWanted[1], bias && node.isWanted[2])
    if !wantsWeight, !wantsBias { return bias ? [nil, nil] : [nil] }
    let type = g.type(of: dy)
    if !wantsWeight, start.isEmpty, type.axes.count > 1 {
      return [nil, g.emitOne(.sum(Sum(to: type.axes.suffix(1))), [dy])]
    }
    let made = g.emit(
      .linearWeightGradient(LinearWeightGradient(bias: wantsBias)), [dy, node.inputs[0]] + start)
    return [wantsWeight ? made[0] : nil] + (bias ? [wantsBias ? made[1] : nil] : [])
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    .product(2 * results[0].count * inputs[0].width)
  }

  public var op: Op { .linear(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .byStart }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .any }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.rows, .weights] + (bias ? [.bias] : []) + (inputs.first?.experts == nil ? [] : [.start])
  }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }

  /// A constant weight has a column for each of the model's positions; those not there count as 0.
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    let weights = pass.inputs[1].axes
    let (output, input) = (weights[weights.count - 2], weights[weights.count - 1])
    for width in pass.inputs[0].axes.suffix(1) { _ = try pass.common(input, width, "linear") }
    pass.inputs[0] = pass.inputs[0].replacingLast(with: input)
    if bias { try reachBias(in: &pass, output) }
    return [pass.inputs[0].replacingLast(with: output)]
  }

  private func reachBias(in pass: inout PassExtents, _ output: Axis) throws(Mismatch) {
    for bias in pass.inputs[2].axes.suffix(1) {
      let common = try pass.common(output, bias, "linear")
      pass.inputs[2] = pass.inputs[2].replacingLast(with: common)
      if common == output { continue }
      try pass.demandWhole(
        bias, "linear", "the bias, but not the weights, has a number for each of",
        hint: "make it a parameter")
    }
  }

  public var resultNames: [String] { [""] }
  public var gradientFormulas: [String] {
    [LinearInputGradient.formula, LinearWeightGradient.formula]
  }
  public func slopes(_ inputs: [TensorType]) -> [Int] { bias ? [0, 1, 2] : [0, 1] }
  public func use(ofParameter operand: Int) -> ParameterUse {
    .role(bias && operand == 2 ? .bias : .weight)
  }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[0].axes.suffix(1), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    let weights = inputs[1].axes.count
    let inner = [AxisPlace(last: 0, inputs), AxisPlace(1, weights - 1)]
    return bias ? [inner, [AxisPlace(1, weights - 2), AxisPlace(last: 2, inputs)]] : [inner]
  }

  public var attributes: Attributes { Attributes().with("bias", flag: bias) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(bias: reader.flag("bias"))
  }

  public static var samples: [Sample] {
    let dense = [(1, 1), (3, 5), (16, 16), (17, 33), (40, 65)].map { input, output in
      Sample("linear \(input) to \(output)") { s in
        let (I, O) = (Axis("I", input), Axis("O", output))
        let operands = [
          s.operand("x", width: I), s.operand("w", [O, I]), s.operand("b", [O]),
        ]
        return [s.applyOne(.linear(Linear(bias: true)), operands)]
      }
    }
    return dense + [
      Sample("linear without bias, one row", context: 1, batch: 1) { s in
        let (I, O) = (Axis("I", 19), Axis("O", 18))
        return [
          s.applyOne(
            .linear(Linear(bias: false)), [s.operand("x", width: I), s.operand("w", [O, I])])
        ]
      },
      expertSample("linear by expert", experts: 4, chosen: 2, input: 17, output: 35),
      expertSample(
        "linear by expert, most without rows", experts: 40, chosen: 1, input: 5, output: 16),
      expertSample(
        "linear by expert, capacity", experts: 3, chosen: 2, input: 8, output: 8, capacity: 0.5),
    ]
  }

  private static func expertSample(
    _ name: String, experts: Int, chosen: Int, input: Int, output: Int, capacity: Double? = nil
  ) -> Sample {
    Sample(name) { s in
      let (E, K) = (Axis("E", experts), Axis("K", chosen))
      let (I, O) = (Axis("I", input), Axis("O", output))
      let (weights, routed) = s.routing(experts: E, chosen: K, capacity: capacity)
      let x = s.operand("x", width: I)
      let rows = s.applyOne(.dispatch(Dispatch()), [x] + routed)
      let learned = [s.operand("w", [E, O, I]), s.operand("b", [E, O])]
      let y = s.applyOne(.linear(Linear(bias: true)), [rows] + learned + [routed[0]])
      return [s.applyOne(.combine(Combine()), [y, weights, routed[2]])]
    }
  }
}
