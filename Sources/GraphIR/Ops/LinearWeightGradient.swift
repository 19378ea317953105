/// The gradients of a linear layer's weights and bias; an expert without rows gets 0.
///
///     dw = dyᵀ x    db = Σ_r dy[r, :]    dy f32[R…, O]    x f32[R…, I] -> dw f32[O, I], db f32[O]
///
/// For rows sorted by expert the last input is `start` i32[E+1] and the results are stacked:
/// dw f32[E, O, I], db f32[E, O].
public struct LinearWeightGradient: GradientOperation {
  public static let kind = OpKind.linearWeightGradient
  public static let forward = OpKind.linear
  public static let formula = "dw = dy^T x, db = sum over rows of dy"

  public var bias: Bool

  public init(bias: Bool) { self.bias = bias }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    guard inputs.count >= 2, let output = inputs[0].axes.last, let input = inputs[1].axes.last
    else { throw Mismatch("linearWeightGradient: expected dy and x") }
    let dy = inputs[0]
    try expectCount("linearWeightGradient", inputs, dy.experts == nil ? 2 : 3)
    guard dy.axes.dropLast() == inputs[1].axes.dropLast(), dy.experts == inputs[1].experts else {
      throw Mismatch("linearWeightGradient: rows of dy \(dy) and x \(inputs[1]) differ")
    }
    let stack = dy.experts.map { [$0] } ?? []
    let weights = TensorType(.f32, stack + [output, input])
    return bias ? [weights, TensorType(.f32, stack + [output])] : [weights]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    .product(2 * inputs[0].count * inputs[1].width)
  }

  public var op: Op { .linearWeightGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .byStart }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .all(inShares: true) }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.gradient, .rows] + (inputs.first?.experts == nil ? [] : [.start])
  }
  public var resultRoles: [Role] { [.weights] + (bias ? [.bias] : []) }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    pass.wholeResults
  }
  public func target(ofResult result: Int) -> GradientTarget? {
    result == 0 ? .operandOfReader(1, of: 1) : nil
  }

  public var attributes: Attributes { Attributes().with("bias", flag: bias) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(bias: reader.flag("bias"))
  }

  /// `Linear`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
