/// The gradients of a layer normalisation.
///
///     dx = rstd (g - Σ g / C - n Σ (g n) / C)    dw = Σ_r dy n    db = Σ_r dy
///     n = (x - mean) rstd    g = dy w
///
///     dy, x f32[R…, C]    w f32[C]    mean, rstd f32[R…] -> dx f32[R…, C], dw f32[C], db f32[C]
public struct LayerNormGradient: GradientOperation {
  public static let kind = OpKind.layerNormGradient
  public static let forward = OpKind.layerNorm
  public static let formula =
    "dx = rstd (g - sum g / C - n sum (g n) / C), dw = sum dy n, db = sum dy, "
    + "g = dy w, n = (x - mean) rstd"

  /// Whether there is a db.
  public var bias: Bool

  public init(bias: Bool = true) { self.bias = bias }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("layerNormGradient", inputs, 5)
    try expectSame("layerNormGradient", "dy", inputs[1], inputs[0])
    let rows = TensorType(.f32, Array(inputs[1].axes.dropLast()))
    try expectSame("layerNormGradient", "mean", rows, inputs[3])
    try expectSame("layerNormGradient", "rstd", rows, inputs[4])
    return [inputs[1], inputs[2]] + (bias ? [inputs[2]] : [])
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 14 * inputs[0].count)
  }

  public var op: Op { .layerNormGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  // The operations of dw and db are dy n and two sums.
  public var rowSums: RowSums {
    .apart(bias ? [.weights, .bias] : [.weights], operations: bias ? 3 : 2)
  }
  public var lastStep: LastStep { .residual }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.gradient, .rows, .weights, .mean, .deviation]
  }
  public var resultRoles: [Role] {
    bias ? [.rows, .weights, .bias] : [.rows, .weights]
  }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    pass.inputs[0].axes = pass.inputs[1].axes
    return [pass.inputs[1]] + pass.wholeResults.dropFirst()
  }
  public func target(ofResult result: Int) -> GradientTarget? {
    result < 2 ? .operand(1 + result) : nil
  }

  public var attributes: Attributes { Attributes().with("unbiased", flag: !bias) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(bias: !reader.flag("unbiased"))
  }

  /// `LayerNorm`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
