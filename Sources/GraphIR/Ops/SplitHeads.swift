/// Cuts the width into heads.
///
///     y[b, h, t, d] = x[b, t, h D + d]    x f32[B, T, C] -> y f32[B, H, T, D]
///
/// Gradient: dx = `mergeHeads` of dy.
public struct SplitHeads: ForwardOperation {
  public static let kind = OpKind.splitHeads
  public static let formula = "y[b, h, t, d] = x[b, t, h D + d]"

  public var heads: Axis
  public var depth: Axis

  public init(heads: Axis, depth: Axis) {
    self.heads = heads
    self.depth = depth
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("heads", inputs, 1)
    try expectFloat("heads", inputs[0])
    let axes = inputs[0].axes
    guard axes.count == 3, inputs[0].experts == nil else {
      throw Mismatch("heads: expected a tensor [batch, time, width], got \(inputs[0])")
    }
    guard heads.size * depth.size == axes[2].size else {
      throw Mismatch("heads: \(heads.size) heads do not divide the width \(axes[2].named)")
    }
    return [TensorType(.f32, [axes[0], heads, axes[1], depth])]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy, let width = g.type(of: node.inputs[0]).axes.last else { return [nil] }
    return [g.emitOne(.mergeHeads(MergeHeads(width: width)), [dy])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .splitHeads(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(heads: transform(heads), depth: transform(depth))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.demandWhole(
      pass.inputs[0].axes[2], "heads", "the width that is divided is",
      hint: "divide an axis of constant size")
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["split"] }
  public var gradientFormulas: [String] { ["dx = dy, heads side by side"] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apartAt(1) }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes {
    Attributes().with(heads: HeadAxes(count: heads, depth: depth))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    guard let axes = try HeadAxes(&reader) else {
      throw Mismatch("splitHeads: expected heads and depth")
    }
    self.init(heads: axes.count, depth: axes.depth)
  }

  public static var samples: [Sample] {
    [
      Sample("splitHeads") { s in
        let x = s.operand("x", width: Axis("C", 6))
        let heads = SplitHeads(heads: Axis("H", 2), depth: Axis("D", 3))
        return [s.applyOne(.splitHeads(heads), [s.g.pointwise(.unary(.tanh, .input(0)), [x])])]
      }
    ]
  }
}
