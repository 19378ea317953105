/// Sums the experts' rows of each token, weighted, in ascending expert order.
///
///     y[n, :] = Σ_j weights[n, j] x[slot[n, j], :]    dropped choices add nothing
///
///     x f32[B·T·K, C] by E    weights f32[B, T, K]    slot i32[B, T, K] -> y f32[B, T, C]
///
/// Gradient: `combineGradient`; backward reads x, weights, slot.
public struct Combine: ForwardOperation {
  public static let kind = OpKind.combine
  public static let formula = "y[n, :] = sum over j of weights[n, j] x[slot[n, j], :]"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("combine", inputs, 3)
    try expectFloat("combine", inputs[0], inputs[1])
    try expectSame("combine", "slots", TensorType(.i32, inputs[1].axes), inputs[2])
    guard inputs[0].experts != nil, inputs[0].axes.count == 2,
      inputs[0].axes[0] == Route.rows(of: inputs[2])
    else { throw Mismatch("combined: rows \(inputs[0]) do not fit the routing \(inputs[2])") }
    return [TensorType(.f32, inputs[1].axes.dropLast() + [inputs[0].axes[1]])]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return [nil, nil, nil] }
    return g.emit(.combineGradient(CombineGradient()), [dy] + node.inputs) + [nil]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 2 * inputs[0].count)
  }

  public var op: Op { .combine(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .bySlot }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .residual }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.rows, .gates, .slot] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meetSlots(1, 2, isWeights: true)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["combined"] }
  public var gradientFormulas: [String] { [CombineGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0, 1] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0, 1, 2] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    AxisPlace.leading(1, 2, count: inputs[2].axes.count)
  }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [(4, 2, 18, nil), (5, 3, 1, nil), (3, 2, 8, 0.5)].map { experts, chosen, width, capacity in
      Sample(
        "combine \(chosen) of \(experts)" + (capacity.map { " capacity \($0)" } ?? "")
      ) { s in
        let (weights, routed) = s.routing(
          experts: Axis("E", experts), chosen: Axis("K", chosen), capacity: capacity)
        let gates = s.applyOne(.softmax(Softmax()), [weights])
        let rows = s.applyOne(
          .dispatch(Dispatch()), [s.operand("x", width: Axis("C", width))] + routed)
        // Rows of one token must differ, or the gates, whose sum is 1, would make no difference.
        let bent = s.g.pointwise(.input(0) + .normal(stream: 0), [rows])
        return [s.applyOne(.combine(Combine()), [bent, gates, routed[2]])]
      }
    }
  }
}
