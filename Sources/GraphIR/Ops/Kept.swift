/// Which choices of each token have a row: 1 for those that an expert kept, 0 for those that it dropped.
///
///     y[n, j] = 1 if slot[n, j] ≥ 0, else 0    slot i32[B, T, K] -> y f32[B, T, K]
///
/// Gradient: none.
public struct Kept: ForwardOperation {
  public static let kind = OpKind.kept
  public static let formula = "y[n, j] = 1 if slot[n, j] >= 0, else 0"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("kept", inputs, 1)
    try expectInteger("kept", inputs[0])
    return [TensorType(.f32, inputs[0].axes)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] { [nil] }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .kept(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.slot] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try infer(pass.inputs)
  }
  public var resultNames: [String] { ["kept"] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    let orders: [(String, Capacity)] = [
      ("by position", Capacity(factor: 0.7)),
      ("by weight", Capacity(factor: 0.8, roundsUp: true, order: .weight)),
      ("by choice", Capacity(factor: 0.6, least: 2, order: .choice)),
      ("of a sequence", Capacity(factor: nil, least: 2, perSequence: true)),
      ("of a sequence by weight", Capacity(factor: 0.7, order: .weight, perSequence: true)),
    ]
    return orders.map { name, capacity in
      Sample("kept \(name)") { s in
        let (E, K, C) = (Axis("E", 4), Axis("K", 2), Axis("C", 5))
        let top = s.apply(.top(Top(chosen: K)), [s.operand("logits", width: E)])
        let gates = s.applyOne(.softmax(Softmax()), [top[0]])
        let route = Route(experts: E, capacity: capacity)
        let routed = s.apply(
          .route(route), route.readsWeights ? [top[1], gates] : [top[1]])
        let rows = s.applyOne(.dispatch(Dispatch()), [s.operand("x", width: C)] + routed)
        let kept = s.applyOne(.kept(Kept()), [routed[2]])
        let shares = s.g.pointwise(.input(0) * .input(1), [gates, kept])
        return [s.applyOne(.combine(Combine()), [rows, shares, routed[2]])]
      }
    }
  }
}
