/// The gradient of attention's sinks, one number of each head.
///
///     ds[h] = -Σ_b,t p δ    p = exp(s[h] - maximum) / sum    δ = Σ_d dy y of the head
///
///     dy, y f32[B, T, H D]    s f32[H]    maximum, sum f32[B, H, T] -> ds f32[H]
public struct AttentionSinkGradient: GradientOperation {
  public static let kind = OpKind.attentionSinkGradient
  public static let forward = OpKind.attention
  public static let formula = "ds = -sum exp(s - maximum) / sum (sum dy y)"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("attentionSinkGradient", inputs, 5)
    try expectRank("attentionSinkGradient", inputs[3], atLeast: 3)
    try expectSame("attentionSinkGradient", "y", inputs[0], inputs[1])
    try expectSame("attentionSinkGradient", "sum", inputs[3], inputs[4])
    return [inputs[2]]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 2 * inputs[0].count + 5 * inputs[3].count)
  }

  public var op: Op { .attentionSinkGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .all(inShares: false) }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.gradient, .output, .sinks, .maximum, .sum]
  }
  public var resultRoles: [Role] { [.sinks] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meet(alike: [0, 1], "attention")
    return pass.wholeResults
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operand(2) }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  /// `Attention`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
