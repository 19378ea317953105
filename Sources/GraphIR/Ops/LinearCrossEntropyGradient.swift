/// The gradients of `LinearCrossEntropy`: of its rows, weights and bias, as far as they are wanted. The logits are made
/// again, part by part.
///
///     dlogits[n, v] = dloss (exp(logits[n, v] - maximum[n]) / sum[n] - [v = targets[n]]) / N
///     over the N rows with targets[n] ≥ 0; 0 in those that are ignored
///     dx = dlogits w    dw = dlogitsᵀ x    db = Σ_n dlogits[n, :]
///
///     x f32[B, T, C]    w f32[V, C]    b f32[V]    targets i32[B, T]    maximum, sum f32[B, T]
///     dloss f32[], 1 if left out    -> dx f32[B, T, C], dw f32[V, C], db f32[V]
public struct LinearCrossEntropyGradient: GradientOperation {
  public static let kind = OpKind.linearCrossEntropyGradient
  public static let forward = OpKind.linearCrossEntropy
  public static let formula =
    "dx = dlogits w, dw = dlogits^T x, dlogits = dloss (softmax(w x + b) - [v = targets[n]]) / N"

  /// Whether there is a bias.
  public var bias: Bool

  /// How many logits of each row are in memory at once.
  public var part: Int

  /// Which gradients are made: those of the rows, the weights, and the bias.
  public var rows: Bool
  public var weights: Bool
  public var shift: Bool

  public init(bias: Bool, part: Int, rows: Bool, weights: Bool, shift: Bool) {
    (self.bias, self.part) = (bias, part)
    (self.rows, self.weights, self.shift) = (rows, weights, shift)
  }

  /// How many operands are those of the forward op.
  private var forwardCount: Int { bias ? 4 : 3 }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    let least = forwardCount + 2
    if inputs.count != least { try expectCount("linearCrossEntropyGradient", inputs, least + 1) }
    let forward = try LinearCrossEntropy(bias: bias, part: part).infer(
      Array(inputs.prefix(forwardCount)))
    for (name, place) in [("maximum", 0), ("sum", 1)] {
      try expectSame(
        "linearCrossEntropyGradient", name, forward[1 + place], inputs[forwardCount + place])
    }
    for dLoss in inputs.dropFirst(least) {
      try expectSame("linearCrossEntropyGradient", "dloss", .scalar, dLoss)
    }
    guard rows || weights || shift, bias || !shift else {
      throw Mismatch("linearCrossEntropyGradient: expected something to make")
    }
    return (rows ? [inputs[0]] : []) + (weights ? [inputs[1]] : []) + (shift ? [inputs[2]] : [])
  }

  /// The logits again, and a product for the rows and one for the weights.
  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    let logits = inputs[forwardCount].count * inputs[1].axes[0].size
    let products = 1 + (rows ? 1 : 0) + (weights ? 1 : 0)
    return .product(2 * products * logits * inputs[0].width) + Cost(flops: 4 * logits)
  }

  public var op: Op { .linearCrossEntropyGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .together([.weights, .bias]) }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.rows, .weights] + (bias ? [.bias] : []) + [.targets, .maximum, .sum]
      + (inputs.count > forwardCount + 2 ? [.gradient] : [])
  }
  public var resultRoles: [Role] {
    (rows ? [.rows] : []) + (weights ? [.weights] : []) + (shift ? [.bias] : [])
  }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meetTargetsOfRows(forwardCount - 1)
    return (rows ? [pass.inputs[0]] : []) + pass.wholeResults.dropFirst(rows ? 1 : 0)
  }
  public func target(ofResult result: Int) -> GradientTarget? {
    let operands = (rows ? [0] : []) + (weights ? [1] : []) + (shift ? [2] : [])
    return .operand(operands[result])
  }

  public var attributes: Attributes {
    Attributes().with("bias", flag: bias).with("part", .integer(part)).with("rows", flag: rows)
      .with("weights", flag: weights).with("shift", flag: shift)
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(
      bias: reader.flag("bias"), part: try reader.integer("part"), rows: reader.flag("rows"),
      weights: reader.flag("weights"), shift: reader.flag("shift"))
  }

  /// `LinearCrossEntropy`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
