/// The gradients of causal self-attention, weights and dropout masks recomputed.
///
///     p = exp(scale q kᵀ - maximum) / sum    m = dropout's factors    δ = Σ_u p m (dy vᵀ) = Σ_d dy y
///     dv = (m p)ᵀ dy    ds = p (m (dy vᵀ) - δ)    dq = scale ds k    dk = scale dsᵀ q
///
///     dy, y, q, k, v f32[B, T, C]    maximum, sum f32[B, H, T] -> dq, dk, dv f32[B, T, C]
public struct AttentionGradient: GradientOperation {
  public static let kind = OpKind.attentionGradient
  public static let forward = OpKind.attention
  public static let formula =
    "dv = (m p)^T dy, ds = p (m (dy v^T) - sum dy y), dq = scale ds k, dk = scale ds^T q"

  public var heads: Axis
  public var scale: Double
  public var rate: Double
  public var stream: Int

  public init(heads: Axis, scale: Double, rate: Double, stream: Int) {
    self.heads = heads
    self.scale = scale
    self.rate = rate
    self.stream = stream
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("attentionGradient", inputs, 7)
    for input in inputs.dropFirst().prefix(4) {
      try expectSame("attentionGradient", "every operand", inputs[0], input)
    }
    try expectRank("attentionGradient", inputs[0], atLeast: 3)
    let rows = TensorType(.f32, [inputs[0].axes[0], heads, inputs[0].axes[1]])
    try expectSame("attentionGradient", "maximum", rows, inputs[5])
    try expectSame("attentionGradient", "sum", rows, inputs[6])
    return [inputs[0], inputs[0], inputs[0]]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    let length = inputs[0].axes[1].size
    let others = inputs[0].count * (length + 1) + 5 * inputs[5].count * (length + 1)
    return .product(4 * inputs[0].count * (length + 1)) + Cost(flops: others)
  }

  public var op: Op { .attentionGradient(self) }
  public var streams: [StreamUse] {
    rate == 0 ? [] : [StreamUse(stream, .keep(rate: rate))]
  }
  public func mappingStreams(_ number: (Int) -> Int) -> Self {
    var copy = self
    copy.stream = rate == 0 ? 0 : number(stream)
    return copy
  }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.gradient, .output, .queries, .keys, .values, .maximum, .sum]
  }
  public var resultRoles: [Role] { [.queries, .keys, .values] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    var copy = self
    copy.heads = transform(heads)
    return copy
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    try pass.meet(alike: [0, 1, 2, 3, 4], "attention")
    return (0..<3).map { _ in pass.inputs[0] }
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operand(2 + result) }

  public var attributes: Attributes {
    Attributes().with("heads", .axes([heads])).with("scale", .number(scale))
      .with("rate", .number(rate)).with("stream", .integer(stream))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(
      heads: try reader.axis("heads"), scale: try reader.number("scale"),
      rate: try reader.number("rate"), stream: try reader.integer("stream"))
  }

  /// `Attention`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
