/// Softmax over the last axis.
///
///     y = exp(x - max x) / Σ exp(x - max x)    x f32[R…, C] -> y f32[R…, C]
///
/// Gradient: dx = y (dy - Σ dy y); backward reads y.
public struct Softmax: ForwardOperation {
  public static let kind = OpKind.softmax
  public static let formula = "y = exp(x - max x) / sum exp(x - max x)"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("softmax", inputs, 1)
    try expectFloat("softmax", inputs[0])
    try expectRank("softmax", inputs[0], atLeast: 1)
    guard inputs[0].experts == nil else {
      throw Mismatch("softmax: expected unsorted rows, got \(inputs[0])")
    }
    return inputs
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    [node.dy.map { g.emitOne(.softmaxGradient(SoftmaxGradient()), [$0, node.results[0]]) }]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 5 * inputs[0].count)
  }

  public var op: Op { .softmax(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    pass.inputs
  }
  public var resultNames: [String] { ["weights"] }
  public var gradientFormulas: [String] { [SoftmaxGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { inputs[0].width > 1 ? [0] : [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[0].axes.suffix(1), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [2, 9, 40].map { width in
      Sample("softmax width \(width)") { s in
        [s.applyOne(.softmax(Softmax()), [s.operand("x", width: Axis("C", width))])]
      }
    }
  }
}
