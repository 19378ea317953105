/// The gradient of the chosen logits; the others get 0.
///
///     dlogits[n, indices[n, j]] = dvalues[n, j]
///
///     dvalues f32[N…, K]    indices i32[N…, K] -> dlogits f32[N…, E]
public struct TopGradient: GradientOperation {
  public static let kind = OpKind.topGradient
  public static let forward = OpKind.top
  public static let formula = "dlogits[n, indices[n, j]] = dvalues[n, j], the others 0"

  public var experts: Axis

  public init(experts: Axis) { self.experts = experts }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("topGradient", inputs, 2)
    try expectSame("topGradient", "indices", TensorType(.i32, inputs[0].axes), inputs[1])
    return [inputs[0].replacingLast(with: experts)]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .topGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.gradient, .choice] }
  public var resultRoles: [Role] { [.logits] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(experts: transform(experts))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    pass.inputs[0].axes = pass.inputs[1].axes
    return try infer(pass.inputs)
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operandOfMaker(0, of: 1) }

  public var attributes: Attributes { Attributes().with("experts", .axes([experts])) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(experts: try reader.axis("experts"))
  }

  /// `Top`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
