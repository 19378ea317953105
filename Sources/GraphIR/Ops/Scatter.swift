/// Puts the numbers of each row where indices say, among zeros: each token's weight for every expert.
///
///     y[n, indices[n, j]] = x[n, j], the others 0
///
///     x f32[N…, K]    indices i32[N…, K] -> y f32[N…, E]
///
/// The indices of a row are all different, as `top` gives them.
///
/// Gradient: dx = `gather` of dy; backward reads the indices.
public struct Scatter: ForwardOperation {
  public static let kind = OpKind.scatter
  public static let formula = "y[n, indices[n, j]] = x[n, j], the others 0"

  public var experts: Axis

  public init(experts: Axis) { self.experts = experts }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("scatter", inputs, 2)
    try expectFloat("scatter", inputs[0])
    try expectRank("scatter", inputs[0], atLeast: 1)
    try expectSame("scatter", "indices", TensorType(.i32, inputs[0].axes), inputs[1])
    return [inputs[0].replacingLast(with: experts)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    [node.dy.map { g.emitOne(.gather(Gather()), [$0, node.inputs[1]]) }, nil]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .scatter(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand, .choice] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(experts: transform(experts))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    try pass.meet(alike: [0, 1], "scatter")
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["scattered"] }
  public var gradientFormulas: [String] { [Gather.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0, 1] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[0].axes.suffix(1), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    AxisPlace.leading(0, 1, count: inputs[0].axes.count)
  }

  public var attributes: Attributes { Attributes().with("experts", .axes([experts])) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(experts: try reader.axis("experts"))
  }

  public static var samples: [Sample] {
    [(8, 2), (3, 3), (1, 1)].map { experts, chosen in
      Sample("scatter \(chosen) of \(experts)") { s in
        let (E, K) = (Axis("E", experts), Axis("K", chosen))
        let top = s.apply(.top(Top(chosen: K)), [s.operand("logits", width: E)])
        return [
          s.applyOne(.scatter(Scatter(experts: E)), [s.operand("x", width: K), top[1]])
        ]
      }
    }
  }
}
