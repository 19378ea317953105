/// Looks up a few numbers of each row: the weights of chosen experts, of scores that did not choose them.
///
///     y[n, j] = x[n, indices[n, j]]
///
///     x f32[N…, E]    indices i32[N…, K] -> y f32[N…, K]
///
/// The indices of a row are all different, as `top` gives them.
///
/// Gradient: dx = `scatter` of dy; backward reads the indices.
public struct Gather: ForwardOperation {
  public static let kind = OpKind.gather
  public static let formula = "y[n, j] = x[n, indices[n, j]]"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("gather", inputs, 2)
    try expectFloat("gather", inputs[0])
    try expectInteger("gather", inputs[1])
    try expectRank("gather", inputs[1], atLeast: 1)
    guard inputs[0].experts == nil, inputs[0].axes.dropLast() == inputs[1].axes.dropLast(),
      !inputs[0].axes.isEmpty
    else { throw Mismatch("gather: rows of \(inputs[0]) and of \(inputs[1]) differ") }
    return [TensorType(.f32, inputs[1].axes)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy, let experts = g.type(of: node.inputs[0]).axes.last else {
      return [nil, nil]
    }
    return [g.emitOne(.scatter(Scatter(experts: experts)), [dy, node.inputs[1]]), nil]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .gather(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand, .choice] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meet(meetings(pass.plain), "gather")
    try pass.demandWhole(
      pass.inputs[0].axes[pass.inputs[0].axes.count - 1], "gather", "looks up numbers along",
      hint: "choose among an axis of constant size")
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["chosen_values"] }
  public var gradientFormulas: [String] { [Scatter.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0, 1] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[0].axes.suffix(1), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    AxisPlace.leading(0, 1, count: inputs[1].axes.count - 1)
  }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [(8, 2), (3, 3), (1, 1)].map { experts, chosen in
      Sample("gather \(chosen) of \(experts)") { s in
        let E = Axis("E", experts)
        let top = s.apply(
          .top(Top(chosen: Axis("K", chosen))), [s.operand("logits", width: E)])
        return [s.applyOne(.gather(Gather()), [s.operand("x", width: E), top[1]])]
      }
    }
  }
}
