/// Copies each token to the rows of its experts.
///
///     y[r, :] = x[source[r], :]
///
///     x f32[B, T, C]    start, source, slot as `route` gives them -> y f32[B·T·K, C] by E
///
/// Gradient: dx[n, :] = Σ_j dy[slot[n, j], :]; backward reads slot.
public struct Dispatch: ForwardOperation {
  public static let kind = OpKind.dispatch
  public static let formula = "y[r, :] = x[source[r], :]"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("dispatch", inputs, 4)
    try expectFloat("dispatch", inputs[0])
    for input in inputs.dropFirst() { try expectInteger("dispatch", input) }
    let slot = inputs[3]
    guard let width = inputs[0].axes.last, inputs[0].experts == nil,
      inputs[0].axes.dropLast() == slot.axes.dropLast()
    else {
      throw Mismatch(
        "routed: \(inputs[0]) does not fit the routing of \(slot.axes.dropLast().map(\.named).joined(separator: ", "))"
      )
    }
    guard let bound = inputs[1].axes.first, bound.offset == 1 else {
      throw Mismatch("dispatch: start must have one entry more than experts, got \(inputs[1])")
    }
    var experts = bound
    experts.offset = 0
    return [TensorType(.f32, [Route.rows(of: slot), width], by: experts)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    let dx = node.dy.map {
      g.emitOne(.dispatchGradient(DispatchGradient()), [$0, node.inputs[3]])
    }
    return [dx, nil, nil, nil]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .dispatch(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .sorts }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.rows, .start, .source, .slot] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meetSlots(0, 3, isWeights: false)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["routed"] }
  public var gradientFormulas: [String] { [DispatchGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    AxisPlace.leading(0, 3, count: inputs[3].axes.count - 1)
  }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [(4, 2, 6, nil), (30, 1, 17, nil), (3, 3, 16, nil), (2, 1, 5, 0.5), (2, 2, 5, 0.0)].map {
      experts, chosen, width, capacity in
      Sample(
        "dispatch \(chosen) of \(experts)" + (capacity.map { " capacity \($0)" } ?? ""),
        hasGradients: capacity != 0
      ) { s in
        let (weights, routed) = s.routing(
          experts: Axis("E", experts), chosen: Axis("K", chosen), capacity: capacity)
        let rows = s.applyOne(
          .dispatch(Dispatch()), [s.operand("x", width: Axis("C", width))] + routed)
        let bent = s.g.pointwise(.unary(.tanh, .input(0)), [rows])
        return [s.applyOne(.combine(Combine()), [bent, weights, routed[2]])]
      }
    }
  }
}
