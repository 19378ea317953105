/// The K largest logits of each token, listed in ascending expert order.
///
///     values[n, :] = the K largest of logits[n, :]    indices[n, :] = their experts, ascending
///
///     logits f32[N…, E] -> values f32[N…, K], indices i32[N…, K]
///
/// Of equal logits the lower expert wins. The order makes every later sum over a token's choices run
/// over experts in ascending order.
///
/// Gradient: `topGradient`, which reaches the chosen logits only; backward reads the indices.
public struct Top: ForwardOperation {
  public static let kind = OpKind.top
  public static let formula = "values, indices = the K largest logits, in ascending expert order"

  public var chosen: Axis

  public init(chosen: Axis) { self.chosen = chosen }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("top", inputs, 1)
    try expectFloat("top", inputs[0])
    guard let experts = inputs[0].axes.last, inputs[0].experts == nil else {
      throw Mismatch("top: expected logits [..., experts], got \(inputs[0])")
    }
    guard chosen.size >= 1, chosen.size <= experts.size else {
      throw Mismatch("top: cannot choose \(chosen.size) of \(experts.named) experts")
    }
    let values = inputs[0].replacingLast(with: chosen)
    return [values, TensorType(.i32, values.axes)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy, let experts = g.type(of: node.inputs[0]).axes.last else { return [nil] }
    return [g.emitOne(.topGradient(TopGradient(experts: experts)), [dy, node.results[1]])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: inputs[0].count * chosen.size)
  }

  public var op: Op { .top(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.logits] }
  public var resultRoles: [Role] { [.output, .choice] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(chosen: transform(chosen))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.demandWhole(
      pass.inputs[0].axes[pass.inputs[0].axes.count - 1], "top", "chooses among",
      hint: "choose among an axis of constant size")
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["chosen_logits", "chosen"] }
  public var gradientFormulas: [String] { [TopGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[0].axes.suffix(1), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes().with("chosen", .axes([chosen])) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(chosen: try reader.axis("chosen"))
  }

  public static var samples: [Sample] {
    [(8, 2), (5, 3), (4, 4), (9, 1), (1, 1)].map { experts, chosen in
      Sample("top \(chosen) of \(experts)") { s in
        let x = s.operand("x", width: Axis("E", experts))
        return [s.apply(.top(Top(chosen: Axis("K", chosen))), [x])[0]]
      }
    }
  }
}
