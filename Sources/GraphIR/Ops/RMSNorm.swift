/// Root mean square normalisation over the last axis (Zhang and Sennrich 2019).
///
///     y[r, :] = x[r, :] rstd[r] w          rstd = 1 / √(Σ x² / C + epsilon)
///     y[r, :] = x[r, :] rstd[r] w[e]       for rows sorted by expert
///
///     x f32[R…, C]         w f32[C]       -> y f32[R…, C], rstd f32[R…]
///     x f32[R…, C]         w f32[D]       -> y f32[R…, C], rstd f32[R…, H]    C = H D, each head by itself
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
  /// The heads of a row, if each is a row by itself, and their depth.
  public var heads: HeadAxes?

  public init(epsilon: Double = 1e-5, weight: Bool, heads: HeadAxes? = nil) {
    self.epsilon = epsilon
    self.weight = weight
    self.heads = heads
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    guard let x = inputs.first, let width = x.axes.last else {
      throw Mismatch("rmsNorm: expected a tensor with at least one axis")
    }
    try heads?.check("rmsNorm", x)
    let isByExpert = weight && x.experts != nil
    try expectCount("rmsNorm", inputs, 1 + (weight ? 1 : 0) + (isByExpert ? 1 : 0))
    try expectFloat("rmsNorm", x)
    if weight {
      let stack = x.experts.map { [$0] } ?? []
      try expectSame(
        "rmsNorm", "weight", TensorType(.f32, stack + [heads?.depth ?? width]), inputs[1])
    }
    if isByExpert, let experts = x.experts {
      try expectSame("rmsNorm", "start", .i32(experts.plusOne), inputs[2])
    }
    return [x, HeadAxes.rows(of: x, heads)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return node.inputs.map { _ in nil } }
    let read = [dy, node.inputs[0]] + node.inputs.dropFirst().prefix(weight ? 1 : 0)
    let start = node.inputs.dropFirst(weight ? 2 : 1)
    return g.emit(
      .rmsNormGradient(RMSNormGradient(weight: weight, heads: heads)),
      read + [node.results[1]] + start)
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
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(epsilon: epsilon, weight: weight, heads: heads?.mapped(transform))
  }

  /// Weights are read as far as the rows are long, and lie so.
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    let x = pass.inputs[0]
    if heads != nil, let width = x.axes.last {
      try pass.demandWhole(
        width, "rmsNorm", "the width that is divided is", hint: "divide an axis of constant size")
      self = mappingAxes(pass.axes.whole)
    } else if weight, pass.inputs[1].axes.suffix(1) != x.axes.suffix(1),
      let axis = pass.inputs[1].axes.last
    {
      try pass.demandWhole(
        axis, "rmsNorm", "the weights are those of", hint: "make them parameters")
    }
    return [x, HeadAxes.rows(of: x, heads)]
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
    weight && heads == nil ? [[AxisPlace(last: 0, inputs), AxisPlace(last: 1, inputs)]] : []
  }

  public var attributes: Attributes {
    Attributes().with("epsilon", .number(epsilon)).with("weight", flag: weight)
      .with(heads: heads)
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(
      epsilon: try reader.number("epsilon"), weight: reader.flag("weight"),
      heads: try HeadAxes(&reader))
  }

  public static var samples: [Sample] {
    let dense = [1, 2, 16, 33, 130].map { width in
      Sample("rmsNorm width \(width)") { s in
        let C = Axis("C", width)
        let operands = [s.operand("x", width: C), s.operand("w", [C])]
        return [s.apply(.rmsNorm(RMSNorm(weight: true)), operands)[0]]
      }
    }
    return dense + headSamples + [
      Sample("rmsNorm without weight") { s in
        [s.apply(.rmsNorm(RMSNorm(weight: false)), [s.operand("x", width: Axis("C", 19))])[0]]
      },
      expertSample("rmsNorm by expert", experts: 4, width: 19, weight: true),
      expertSample(
        "rmsNorm by expert, capacity", experts: 3, width: 40, weight: true, capacity: 0.5),
      expertSample("rmsNorm of sorted rows without weight", experts: 3, width: 8, weight: false),
    ]
  }

  private static var headSamples: [Sample] {
    [(2, 3), (3, 16), (1, 33)].map { count, depth in
      Sample("rmsNorm of \(count) heads of \(depth)") { s in
        let heads = HeadAxes(count: Axis("H", count), depth: Axis("D", depth))
        let x = s.operand("x", width: Axis("C", count * depth))
        let norm = RMSNorm(weight: depth > 3, heads: heads)
        return [
          s.apply(.rmsNorm(norm), [x] + (depth > 3 ? [s.operand("w", [heads.depth])] : []))[0]
        ]
      }
    }
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
