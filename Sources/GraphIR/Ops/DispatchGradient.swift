/// The gradient of dispatched tokens: the sum over each token's rows, in ascending expert order.
///
///     dx[n, :] = Σ_j dy[slot[n, j], :]    dropped choices add nothing
///
///     dy f32[B·T·K, C] by E    slot i32[B, T, K] -> dx f32[B, T, C]
public struct DispatchGradient: GradientOperation {
  public static let kind = OpKind.dispatchGradient
  public static let forward = OpKind.dispatch
  public static let formula = "dx[n, :] = sum over j of dy[slot[n, j], :]"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("dispatchGradient", inputs, 2)
    try expectInteger("dispatchGradient", inputs[1])
    guard let width = inputs[0].axes.last, inputs[0].axes.count == 2,
      inputs[0].axes[0] == Route.rows(of: inputs[1])
    else { throw Mismatch("dispatchGradient: rows \(inputs[0]) do not fit slots \(inputs[1])") }
    return [TensorType(.f32, inputs[1].axes.dropLast() + [width])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: inputs[0].count)
  }

  public var op: Op { .dispatchGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .bySlot }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.gradient, .slot] }
  public var resultRoles: [Role] { [.rows] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    [TensorType(.f32, pass.inputs[1].axes.dropLast() + pass.inputs[0].axes.suffix(1))]
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operandOfReader(0, of: 1) }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  /// `Dispatch`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
