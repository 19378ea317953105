/// The gradients of a root mean square normalisation; an expert without rows gets 0.
///
///     dx = rstd (g - n Σ (g n) / C)    dw = Σ_r dy n    n = x rstd    g = dy w
///
///     dy, x f32[R…, C]    w f32[C]    rstd f32[R…] -> dx f32[R…, C], dw f32[C]
///     dy, x f32[R…, C]    w f32[D]    rstd f32[R…, H] -> dx f32[R…, C], dw f32[D]    each head by itself
///
/// Inputs: dy, x, w if `weight`, rstd, and for rows sorted by expert with weights of their own
/// `start` i32[E+1]; then w and dw are f32[E, C].
public struct RMSNormGradient: GradientOperation {
  public static let kind = OpKind.rmsNormGradient
  public static let forward = OpKind.rmsNorm
  public static let formula =
    "dx = rstd (g - n sum (g n) / C), dw = sum dy n, g = dy w, n = x rstd"

  public var weight: Bool
  public var heads: HeadAxes?

  public init(weight: Bool, heads: HeadAxes? = nil) {
    self.weight = weight
    self.heads = heads
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    guard inputs.count > 1 else { throw Mismatch("rmsNormGradient: expected dy and x") }
    let x = inputs[1]
    let isByExpert = weight && x.experts != nil
    try expectCount("rmsNormGradient", inputs, 3 + (weight ? 1 : 0) + (isByExpert ? 1 : 0))
    try expectSame("rmsNormGradient", "dy", x, inputs[0])
    try heads?.check("rmsNormGradient", x)
    try expectSame("rmsNormGradient", "rstd", HeadAxes.rows(of: x, heads), inputs[weight ? 3 : 2])
    if isByExpert, let experts = x.experts {
      try expectSame("rmsNormGradient", "start", .i32(experts.plusOne), inputs[4])
    }
    return weight ? [x, inputs[2]] : [x]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: (weight ? 9 : 6) * inputs[0].count)
  }

  public var op: Op { .rmsNormGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { weight ? .byStart : .rowByRow }
  public var keepsSequencesApart: Bool { true }
  // The operations of dw are dy n and a sum.
  public var rowSums: RowSums { weight ? .apart([.weights], operations: 3) : .none }
  public var lastStep: LastStep { .residual }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    let isByExpert = weight && inputs.count > 1 && inputs[1].experts != nil
    return [.gradient, .rows] + (weight ? [.weights] : []) + [.deviation]
      + (isByExpert ? [.start] : [])
  }
  public var resultRoles: [Role] { [.rows] + (weight ? [.weights] : []) }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(weight: weight, heads: heads?.mapped(transform))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    pass.inputs[0].axes = pass.inputs[1].axes
    return [pass.inputs[1]] + pass.wholeResults.dropFirst()
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operand(1 + result) }

  public var attributes: Attributes { Attributes().with("weight", flag: weight).with(heads: heads) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(weight: reader.flag("weight"), heads: try HeadAxes(&reader))
  }

  /// `RMSNorm`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
