/// Puts the heads side by side, in order.
///
///     y[b, t, h D + d] = x[b, h, t, d]    x f32[B, H, T, D] -> y f32[B, T, C]
///
/// Gradient: dx = `splitHeads` of dy.
public struct MergeHeads: ForwardOperation {
  public static let kind = OpKind.mergeHeads
  public static let formula = "y[b, t, h D + d] = x[b, h, t, d]"

  /// The merged axis, of size H · D.
  public var width: Axis

  public init(width: Axis) { self.width = width }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("mergedHeads", inputs, 1)
    try expectFloat("mergedHeads", inputs[0])
    let axes = inputs[0].axes
    guard axes.count == 4 else {
      throw Mismatch("mergedHeads: expected a tensor [batch, heads, time, depth], got \(inputs[0])")
    }
    guard axes[1].size * axes[3].size == width.size else {
      throw Mismatch(
        "mergedHeads: \(axes[1].named) heads of \(axes[3].named) do not make \(width.named)")
    }
    return [TensorType(.f32, [axes[0], axes[2], width])]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return [nil] }
    let axes = g.type(of: node.inputs[0]).axes
    return [g.emitOne(.splitHeads(SplitHeads(heads: axes[1], depth: axes[3])), [dy])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .mergeHeads(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(width: transform(width))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    for axis in [pass.inputs[0].axes[1], pass.inputs[0].axes[3]] {
      try pass.demandWhole(
        axis, "mergedHeads", "the heads or their depth are", hint: "merge axes of constant size")
    }
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["merged"] }
  public var gradientFormulas: [String] { ["dx = dy, head by head"] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apartAt(2) }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes().with("width", .axes([width])) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(width: try reader.axis("width"))
  }

  public static var samples: [Sample] {
    [
      Sample("mergeHeads") { s in
        let x = s.operand("x", [s.batch, Axis("H", 2), s.context, Axis("D", 3)])
        let merge = MergeHeads(width: Axis("C", 6))
        return [s.applyOne(.mergeHeads(merge), [s.g.pointwise(.unary(.tanh, .input(0)), [x])])]
      }
    ]
  }
}
