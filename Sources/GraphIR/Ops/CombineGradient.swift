/// The gradients of the experts' rows and of the gate weights.
///
///     dx[slot[n, j], :] = weights[n, j] dy[n, :]    dweights[n, j] = Σ_c x[slot[n, j], c] dy[n, c]
///
///     dy f32[B, T, C]    x f32[B·T·K, C] by E    weights f32[B, T, K]    slot i32[B, T, K]
///     -> dx f32[B·T·K, C] by E, dweights f32[B, T, K]; a dropped choice's weight gets 0
public struct CombineGradient: GradientOperation {
  public static let kind = OpKind.combineGradient
  public static let forward = OpKind.combine
  public static let formula =
    "dx[slot[n, j], :] = weights[n, j] dy[n, :], dweights[n, j] = x[slot[n, j], :] . dy[n, :]"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("combineGradient", inputs, 4)
    try expectSame("combineGradient", "slots", TensorType(.i32, inputs[2].axes), inputs[3])
    guard inputs[0].axes.last == inputs[1].axes.last else {
      throw Mismatch("combineGradient: dy \(inputs[0]) does not fit rows \(inputs[1])")
    }
    return [inputs[1], inputs[2]]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 3 * inputs[1].count)
  }

  public var op: Op { .combineGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .bySlot }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .any }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.gradient, .rows, .gates, .slot] }
  public var resultRoles: [Role] { [.rows, .gates] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meetSlots(0, 3, isWeights: false)
    try pass.meetSlots(2, 3, isWeights: true)
    return [pass.inputs[1], pass.inputs[2]]
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operand(1 + result) }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  /// `Combine`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
