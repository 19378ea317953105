/// The gradient of a softmax.
///
///     dx = y (dy - Σ dy y)    dy, y f32[R…, C] -> dx f32[R…, C]
public struct SoftmaxGradient: GradientOperation {
  public static let kind = OpKind.softmaxGradient
  public static let forward = OpKind.softmax
  public static let formula = "dx = y (dy - sum dy y)"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("softmaxGradient", inputs, 2)
    try expectSame("softmaxGradient", "dy", inputs[1], inputs[0])
    return [inputs[1]]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 4 * inputs[0].count)
  }

  public var op: Op { .softmaxGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.gradient, .output] }
  public var resultRoles: [Role] { [.operand] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meet(alike: [0, 1], "softmax")
    return [pass.inputs[0]]
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operandOfMaker(0, of: 1) }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  /// `Softmax`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
