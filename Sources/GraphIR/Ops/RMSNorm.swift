/// Root mean square normalisation over the last axis (Zhang and Sennrich 2019).
///
///     y[r, :] = x[r, :] rstd[r] w          rstd = 1 / √(Σ x² / C + epsilon)
///     y[r, :] = x[r, :] rstd[r] w[e]       for rows sorted by expert
///
///     x f32[R…, C]         w f32[C]       -> y f32[R…, C], rstd f32[R…]
///     x f32[R, C] by E     w f32[E, C]    -> y f32[R, C] by E, rstd f32[R] by E
///
/// Inputs: x, w if `weight`, and where experts have weights of their own `start` i32[E+1]: expert e owns
/// the rows start[e] ..< start[e + 1].
///
/// Gradient, with n = x rstd and g = dy w: dx = rstd (g - n Σ (g n) / C), dw = Σ_r dy n; backward reads
/// x, w, rstd.
public struct RMSNorm: ForwardOperation {
  public static let kind = OpKind.rmsNorm
  public static let formula = "y = x rstd w, rstd = 1 / sqrt(mean of x^2 + epsilon)"

  public var epsilon: Double
  public var weight: Bool

  public init(epsilon: Double = 1e-5, weight: Bool) {
    self.epsilon = epsilon
    self.weight = weight
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    guard let x = inputs.first, let width = x.axes.last else {
      throw Mismatch("rmsNorm: expected a tensor with at least one axis")
    }
    let isByExpert = weight && x.experts != nil
    try expectCount("rmsNorm", inputs, 1 + (weight ? 1 : 0) + (isByExpert ? 1 : 0))
    try expectFloat("rmsNorm", x)
    if weight {
      let stack = x.experts.map { [$0] } ?? []
      try expectSame("rmsNorm", "weight", TensorType(.f32, stack + [width]), inputs[1])
    }
    if isByExpert, let experts = x.experts {
      try expectSame("rmsNorm", "start", .i32(experts.plusOne), inputs[2])
    }
    return [x, TensorType(.f32, Array(x.axes.dropLast()), by: x.experts)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return node.inputs.map { _ in nil } }
    let read = [dy, node.inputs[0]] + node.inputs.dropFirst().prefix(weight ? 1 : 0)
    let start = node.inputs.dropFirst(weight ? 2 : 1)
    return g.emit(
      .rmsNormGradient(RMSNormGradient(weight: weight)), read + [node.results[1]] + start)
      + start.map { _ in nil }
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: (weight ? 4 : 3) * inputs[0].count)
  }

  public var op: Op { .rmsNorm(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { weight ? .byStart : .rowByRow }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.rows] + (weight ? [.weights] : []) + (weight && inputs.first?.experts != nil ? [.start] : [])
  }
  public var resultRoles: [Role] { [.output, .deviation] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }

  /// Weights are read as far as the rows are long, and lie so.
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    let x = pass.inputs[0]
    if weight, pass.inputs[1].axes.suffix(1) != x.axes.suffix(1),
      let axis = pass.inputs[1].axes.last
    {
      try pass.demandWhole(
        axis, "rmsNorm", "the weights are those of", hint: "make them parameters")
    }
    return [x, TensorType(.f32, Array(x.axes.dropLast()), by: x.experts)]
  }

  public var resultNames: [String] { ["", "rstd"] }
  public var gradientFormulas: [String] { [RMSNormGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { weight ? [0, 1] : [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { operand == 0 ? .kept : .role(.norm) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[0].axes.suffix(1), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    weight ? [[AxisPlace(last: 0, inputs), AxisPlace(last: 1, inputs)]] : []
  }

  public var attributes: Attributes {
    Attributes().with("epsilon", .number(epsilon)).with("weight", flag: weight)
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(epsilon: try reader.number("epsilon"), weight: reader.flag("weight"))
  }

  public static var samples: [Sample] {
    let dense = [1, 2, 16, 33, 130].map { width in
      Sample("rmsNorm width \(width)") { s in
        let C = Axis("C", width)
        let operands = [s.operand("x", width: C), s.operand("w", [C])]
        return [s.apply(.rmsNorm(RMSNorm(weight: true)), operands)[0]]
      }
    }
    return dense + [
      Sample("rmsNorm without weight") { s in
        [s.apply(.rmsNorm(RMSNorm(weight: false)), [s.operand("x", width: Axis("C", 19))])[0]]
      },
      expertSample("rmsNorm by expert", experts: 4, width: 19, weight: true),
      expertSample(
        "rmsNorm by expert, capacity", experts: 3, width: 40, weight: true, capacity: 0.5),
      expertSample("rmsNorm of sorted rows without weight", experts: 3, width: 8, weight: false),
    ]
  }

  private static func expertSample(
    _ name: String, experts: Int, width: Int, weight: Bool, capacity: Double? = nil
  ) -> Sample {
    Sample(name) { s in
      let (E, C) = (Axis("E", experts), Axis("C", width))
      let (weights, routed) = s.routing(experts: E, chosen: Axis("K", 2), capacity: capacity)
      let rows = s.applyOne(.dispatch(Dispatch()), [s.operand("x", width: C)] + routed)
      let learned = weight ? [s.operand("w", [E, C]), routed[0]] : []
      let y = s.apply(.rmsNorm(RMSNorm(weight: weight)), [rows] + learned)[0]
      return [s.applyOne(.combine(Combine()), [y, weights, routed[2]])]
    }
  }
}
