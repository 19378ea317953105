/// Sorts the (token, choice) pairs by expert, stably, so that each expert owns neighbouring rows.
///
///     start[e] ..< start[e + 1] = the rows of expert e, its tokens in order
///     source[r] = the token of row r    slot[n, j] = the row of token n's choice j, -1 if dropped
///
///     indices i32[B, T, K], weights f32[B, T, K] -> start i32[E+1], source i32[B·T·K], slot i32[B, T, K]
///
/// With a capacity each expert keeps that many of its tokens and drops the rest: by a factor int(tokens · K /
/// E · factor), where tokens are those of the pass at hand, B·T or the length of one sequence. The weights
/// are there where they decide who stays.
///
/// Gradient: none, the results are integers.
public struct Route: ForwardOperation {
  public static let kind = OpKind.route
  public static let formula = "rows = (token, choice) pairs, stably sorted by expert"

  public var experts: Axis

  /// Nil: no token is dropped.
  public var capacity: Capacity?

  public init(experts: Axis, capacity: Capacity? = nil) {
    self.experts = experts
    self.capacity = capacity
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("route", inputs, readsWeights ? 2 : 1)
    try expectInteger("route", inputs[0])
    if readsWeights {
      try expectSame("route", "weights", TensorType(.f32, inputs[0].axes), inputs[1])
    }
    guard inputs[0].axes.count >= 2 else {
      throw Mismatch("route: expected indices [..., chosen], got \(inputs[0])")
    }
    return [.i32(experts.plusOne), .i32(Self.rows(of: inputs[0])), inputs[0]]
  }

  /// Whether weights decide which tokens an expert keeps.
  public var readsWeights: Bool { (capacity?.order ?? .position) != .position }

  /// The axis of all (token, choice) pairs: `B·T·K`.
  public static func rows(of indices: TensorType) -> Axis {
    guard let first = indices.axes.first else { return Axis(constant: 1) }
    return indices.axes.dropFirst().reduce(first, *)
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    node.inputs.map { _ in nil }
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .route(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    readsWeights ? [.choice, .gates] : [.choice]
  }
  public var resultRoles: [Role] { [.start, .source, .slot] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(experts: transform(experts), capacity: capacity)
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    if readsWeights { try pass.meet(alike: [0, 1], "routed") }
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["start", "source", "slot"] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { readsWeights ? [0, 1] : [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    capacity == nil ? .apart : .joined("gives its experts a capacity that all tokens share")
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    readsWeights ? AxisPlace.leading(0, 1, count: inputs[0].axes.count) : []
  }

  public var attributes: Attributes {
    let attributes = Attributes().with("experts", .axes([experts]))
    return capacity?.written(in: attributes) ?? attributes
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    let experts = try reader.axis("experts")
    self.init(experts: experts, capacity: try Capacity(&reader))
  }

  /// `Dispatch`'s and `Combine`'s samples show its results.
  public static var samples: [Sample] { [] }
}

extension PassExtents {
  /// Lets an operand have the rows that a routing has; one with a weight for each choice has all axes.
  mutating func meetSlots(
    _ operand: Int, _ slots: Int, isWeights: Bool
  ) throws(Mismatch) {
    let count = inputs[slots].axes.count - (isWeights ? 0 : 1)
    for index in 0..<count {
      let axis = try common(inputs[slots].axes[index], inputs[operand].axes[index], "routed")
      if axis != inputs[slots].axes[index] {
        try demandWhole(
          axis, "routed", "the routing is the same for every text, what is routed has",
          hint: "route by logits that are made from the text")
      }
      inputs[operand].axes[index] = axis
    }
  }
}
