/// The gradients of causal self-attention, weights and dropout masks recomputed.
///
///     p = exp(score - maximum) / sum    m = dropout's factors    δ = Σ_u p m (dy vᵀ) = Σ_d dy y
///     dv = (m p)ᵀ dy    ds = p (m (dy vᵀ) - δ)    dq = scale ds k    dk = scale dsᵀ q
///
///     dy, y, q f32[B, T, H D]    k, v f32[B, T, G D]    maximum, sum f32[B, H, T]    beginnings i32[B, T]
///     -> dq f32[B, T, H D], dk, dv f32[B, T, G D]
///
/// The gradients of keys and values are sums over the heads that read them. Where scores are capped, ds
/// is multiplied by 1 - (score / cap)². Sinks are in maximum and sum, and change nothing else.
/// The beginnings of documents are the last operand, where a sequence may hold several.
public struct AttentionGradient: GradientOperation {
  public static let kind = OpKind.attentionGradient
  public static let forward = OpKind.attention
  public static let formula =
    "dv = (m p)^T dy, ds = p (m (dy v^T) - sum dy y), dq = scale ds k, dk = scale ds^T q"

  public var attention: Attention

  public init(_ attention: Attention) { self.attention = attention }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    let hasDocuments = inputs.last?.element == .i32
    try expectCount("attentionGradient", inputs, hasDocuments ? 8 : 7)
    try expectRank("attentionGradient", inputs[0], atLeast: 3)
    for input in inputs[1...2] {
      try expectSame("attentionGradient", "y and queries", inputs[0], input)
    }
    if attention.keyHeads == attention.heads {
      try expectSame("attentionGradient", "keys", inputs[0], inputs[3])
    }
    try expectSame("attentionGradient", "values", inputs[3], inputs[4])
    let rows = TensorType(.f32, [inputs[0].axes[0], attention.heads, inputs[0].axes[1]])
    try expectSame("attentionGradient", "maximum", rows, inputs[5])
    try expectSame("attentionGradient", "sum", rows, inputs[6])
    if hasDocuments {
      let beginnings = TensorType(.i32, Array(inputs[0].axes.prefix(2)))
      try expectSame("attentionGradient", "beginnings of documents", beginnings, inputs[7])
    }
    return Array(inputs[2...4])
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    let length = inputs[0].axes[1].size
    if length == 0 { return .none }
    let (numbers, rows) = (inputs[0].count / length, inputs[5].count / length)
    let seen = attention.visibleKeys(length)
    let capped = attention.softCap == nil ? 0 : 3
    return .product(8 * numbers * seen)
      + Cost(flops: 2 * numbers * seen + (10 + capped) * rows * seen)
  }

  public var op: Op { .attentionGradient(self) }
  public var streams: [StreamUse] { attention.streams }
  public func mappingStreams(_ number: (Int) -> Int) -> Self {
    Self(attention.mappingStreams(number))
  }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.gradient, .output, .queries, .keys, .values, .maximum, .sum]
      + (inputs.last?.element == .i32 ? [.beginnings] : [])
  }
  public var resultRoles: [Role] { Role.projected }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(attention.mappingAxes(transform))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    if attention.keyHeads == attention.heads {
      try pass.meet(alike: [0, 1, 2, 3, 4], "attention")
    } else {
      try pass.meet(alike: [0, 1, 2], "attention")
      try pass.meet(alike: [3, 4], "attention")
      try pass.meet((0..<2).map { axis in (0..<5).map { AxisPlace($0, axis) } }, "attention")
    }
    if pass.inputs.count == 8 {
      try pass.meet((0..<2).map { axis in [0, 7].map { AxisPlace($0, axis) } }, "attention")
    }
    return Array(pass.inputs[2...4])
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operand(2 + result) }

  public var attributes: Attributes { attention.attributes }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    attention = try Attention(&reader)
  }

  /// `Attention`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
