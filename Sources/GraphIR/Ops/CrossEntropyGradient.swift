/// The gradient of the mean cross-entropy.
///
///     dlogits[n, v] = dloss (exp(logits[n, v] - maximum[n]) / sum[n] - [v = targets[n]]) / N
///     over the N rows with targets[n] ≥ 0; 0 in those that are ignored
///
///     logits f32[B, T, V]    maximum, sum f32[B, T]    targets i32[B, T]    dloss f32[], 1 if left out
///     -> dlogits f32[B, T, V]
public struct CrossEntropyGradient: GradientOperation {
  public static let kind = OpKind.crossEntropyGradient
  public static let forward = OpKind.crossEntropy
  public static let formula =
    "dlogits[n, v] = dloss (softmax(logits[n, :])[v] - [v = targets[n]]) / N, 0 if targets[n] < 0"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    if inputs.count != 4 { try expectCount("crossEntropyGradient", inputs, 5) }
    let rows = Array(inputs[0].axes.dropLast())
    try expectSame("crossEntropyGradient", "maximum", TensorType(.f32, rows), inputs[1])
    try expectSame("crossEntropyGradient", "sum", TensorType(.f32, rows), inputs[2])
    try expectSame("crossEntropyGradient", "targets", TensorType(.i32, rows), inputs[3])
    for dLoss in inputs.dropFirst(4) {
      try expectSame("crossEntropyGradient", "dloss", .scalar, dLoss)
    }
    return [inputs[0]]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 4 * inputs[0].count)
  }

  public var op: Op { .crossEntropyGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.logits, .maximum, .sum, .targets] + (inputs.count > 4 ? [.gradient] : [])
  }
  public var resultRoles: [Role] { [.logits] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meetTargets(0, 3)
    return [pass.inputs[0]]
  }
  public func target(ofResult result: Int) -> GradientTarget? { .operand(0) }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  /// `CrossEntropy`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
