/// The gradient of a linear layer's input.
///
///     dx[r, :] = dy[r, :] w    dy f32[R…, O]    w f32[O, I] -> dx f32[R…, I]
///
/// For rows sorted by expert w is f32[E, O, I] and the last input is `start` i32[E+1].
public struct LinearInputGradient: GradientOperation {
  public static let kind = OpKind.linearInputGradient
  public static let forward = OpKind.linear
  public static let formula = "dx[r, :] = dy[r, :] w"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    guard let dy = inputs.first else { throw Mismatch("linearInputGradient: expected dy") }
    try expectCount("linearInputGradient", inputs, dy.experts == nil ? 2 : 3)
    let stack = dy.experts.map { [$0] } ?? []
    let w = inputs[1].axes
    guard w.count == stack.count + 2, Array(w.prefix(stack.count)) == stack,
      w[stack.count] == dy.axes.last
    else {
      throw Mismatch("linearInputGradient: dy \(dy) does not fit weights \(inputs[1])")
    }
    return [dy.replacingLast(with: w[stack.count + 1])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    .product(2 * results[0].count * inputs[0].width)
  }

  public var op: Op { .linearInputGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .byStart }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .any }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.gradient, .weights] + (inputs.first?.experts == nil ? [] : [.start])
  }
  public var resultRoles: [Role] { [.rows] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    let weights = pass.inputs[1].axes
    return [pass.inputs[0].replacingLast(with: weights[weights.count - 1])]
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operandOfReader(0, of: 1) }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  /// `Linear`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
