/// Gives the last axes other names and sizes: the same numbers in the same order.
///
///     y = x, the last axes others    x f32[R…, C] -> y f32[R…, G, D]    G D = C, or back
///
/// Gradient: dx = dy with the axes of x.
public struct Reshape: ForwardOperation {
  public static let kind = OpKind.reshape
  public static let formula = "y = x with other last axes"

  /// How many of the last axes are replaced, and by which.
  public var replaced: Int
  public var axes: [Axis]

  public init(last replaced: Int, as axes: [Axis]) {
    self.replaced = replaced
    self.axes = axes
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("reshape", inputs, 1)
    try expectFloat("reshape", inputs[0])
    try expectRank("reshape", inputs[0], atLeast: max(replaced, 1))
    let result = TensorType(.f32, inputs[0].axes.dropLast(replaced) + axes)
    guard replaced >= 1, !axes.isEmpty, inputs[0].experts == nil, result.count == inputs[0].count
    else {
      throw Mismatch("reshape: \(inputs[0]) has other numbers than \(result)")
    }
    return [result]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    let given = g.type(of: node.inputs[0]).axes.suffix(replaced)
    let back = Reshape(last: axes.count, as: Array(given))
    return [node.dy.map { g.emitOne(.reshape(back), [$0]) }]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .reshape(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(last: replaced, as: axes.map(transform))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    for axis in pass.inputs[0].axes.suffix(replaced) {
      try pass.demandWhole(
        axis, "reshape", "what is divided is", hint: "divide an axis of constant size")
    }
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["reshaped"] }
  public var gradientFormulas: [String] { ["dx = dy with the axes of x"] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .kept }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(Array(inputs[0].axes.suffix(replaced)), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes {
    Attributes().with("last", .integer(replaced)).with("as", .axes(axes))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(last: try reader.integer("last"), as: try reader.axes("as"))
  }

  public static var samples: [Sample] {
    [
      Sample("reshape") { s in
        let (G, D) = (Axis("G", 2), Axis("D", 3))
        let x = s.g.pointwise(.unary(.tanh, .input(0)), [s.operand("x", width: Axis("C", 6))])
        let cut = s.applyOne(.reshape(Reshape(last: 1, as: [G, D])), [x])
        let sums = s.g.pointwise(.input(0) * .input(1), [cut, s.operand("w", [G, D])])
        return [s.applyOne(.reshape(Reshape(last: 2, as: [Axis("F", 6)])), [sums])]
      }
    ]
  }
}
