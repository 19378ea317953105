/// Sends rows sorted by expert to the ranks that own the experts, or brings them back.
///
/// Out, a rank's rows go to their experts' owners, and what comes is sorted as `received` says; back, they go where
/// they came from, and lie as `start` says:
///
///     y = the rows that came    x f32[B·T·K, C] by E    start, received i32[E+1]    slot i32[B, T, K]
///     -> out: y f32[R, C] by E    back, from such: y f32[B·T·K, C] by E
///
/// R rows have room: those of all ranks, if all chose a rank's own experts, as far as a capacity and the number of
/// these experts let them. With one rank the rows stay where they are; so they do where the interpreter runs a graph.
///
/// Gradient: dx = the rows of dy on the way back; backward reads start, received and slot.
public struct ExchangeRows: ForwardOperation {
  public static let kind = OpKind.exchangeRows
  public static let formula = "y = the rows that other ranks send"

  /// The ranks that share out the experts.
  public var ranks: Int

  /// That of the rows' routing, if it has one.
  public var capacity: Capacity?

  /// Whether rows come back from the experts.
  public var isBack: Bool

  public init(ranks: Int, capacity: Capacity?, isBack: Bool) {
    (self.ranks, self.capacity, self.isBack) = (ranks, capacity, isBack)
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("exchangeRows", inputs, 4)
    try expectFloat("exchangeRows", inputs[0])
    for input in inputs.dropFirst() { try expectInteger("exchangeRows", input) }
    guard let experts = inputs[0].experts, inputs[0].axes.count == 2 else {
      throw Mismatch("exchangeRows: expected rows sorted by expert, got \(inputs[0])")
    }
    for table in inputs[1...2] {
      try expectSame("exchangeRows", "start", .i32(experts.plusOne), table)
    }
    guard ranks > 0, experts.size % ranks == 0 else {
      throw Mismatch("\(experts.size) experts cannot be shared out among \(ranks) ranks")
    }
    let (here, there) = (Route.rows(of: inputs[3]), received(inputs[3], experts: experts.size))
    guard inputs[0].axes[0] == (isBack ? there : here) else {
      throw Mismatch("exchangeRows: rows \(inputs[0]) do not fit the routing \(inputs[3])")
    }
    return [TensorType(.f32, [isBack ? here : there, inputs[0].axes[1]], by: experts)]
  }

  /// Room for all rows that can come, of a routing with these slots.
  private func received(_ slot: TensorType, experts: Int) -> Axis {
    let (tokens, own) = (slot.rows, experts / ranks)
    var rows = tokens * min(slot.width, own)
    if let capacity {
      let parts = capacity.perSequence && slot.axes.count > 2 ? slot.axes[0].size : 1
      let limit = capacity.limit(choices: slot.count / parts, experts: experts)
      rows = min(rows, parts * limit * own)
    }
    return Axis(constant: ranks * rows)
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    let way = ExchangeRows(ranks: ranks, capacity: capacity, isBack: !isBack)
    let dx = node.dy.map { g.emitOne(.exchangeRows(way), [$0] + node.inputs.dropFirst()) }
    return [dx, nil, nil, nil]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .exchangeRows(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .exchanges }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.rows, .start, .received, .slot] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try infer(pass.inputs)
  }
  public var resultNames: [String] { [isBack ? "returned" : "arrived"] }
  public var gradientFormulas: [String] { [Self.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes {
    let attributes = Attributes().with("ranks", .integer(ranks)).with("back", flag: isBack)
    return capacity?.written(in: attributes) ?? attributes
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    let (ranks, isBack) = (try reader.integer("ranks"), reader.flag("back"))
    self.init(ranks: ranks, capacity: try Capacity(&reader), isBack: isBack)
  }

  public static var samples: [Sample] {
    [(4, 2, 17, nil), (3, 3, 16, nil), (2, 1, 5, 0.5)].map { experts, chosen, width, capacity in
      Sample(
        "exchange of \(chosen) of \(experts)" + (capacity.map { " capacity \($0)" } ?? "")
      ) { s in
        let (E, C) = (Axis("E", experts), Axis("C", width))
        let (weights, routed) = s.routing(
          experts: E, chosen: Axis("K", chosen), capacity: capacity)
        let counts = s.apply(.exchangeCounts(ExchangeCounts(ranks: 1)), [routed[0]])
        func exchanged(_ rows: Value, back: Bool) -> Value {
          let op = ExchangeRows(
            ranks: 1, capacity: capacity.map { Capacity(factor: $0) }, isBack: back)
          return s.applyOne(.exchangeRows(op), [rows, routed[0], counts[0], routed[2]])
        }
        let rows = s.applyOne(.dispatch(Dispatch()), [s.operand("x", width: C)] + routed)
        let arrived = exchanged(rows, back: false)
        let w = s.operand("w", [E, C, C])
        let y = s.applyOne(.linear(Linear(bias: false)), [arrived, w, counts[0]])
        let bent = s.g.pointwise(.unary(.tanh, .input(0)) * .keep(stream: 0, rate: 0.3), [y])
        return [s.applyOne(.combine(Combine()), [exchanged(bent, back: true), weights, routed[2]])]
      }
    }
  }
}
