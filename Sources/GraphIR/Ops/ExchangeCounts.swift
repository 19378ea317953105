/// Tells the ranks that share out the experts how many rows of each expert they send each other.
///
/// Each rank owns `own` = E / ranks experts. What comes to a rank is sorted by the rank that it comes from, then by
/// own expert:
///
///     received[s own + e] ..< received[s own + e + 1] = the rows of own expert e that came from rank s
///     origin[s] = which row of rank s the first of these is there, and the two words of that rank's seed
///
///     start i32[E+1] -> received i32[E+1], origin i32[S, 3]
///
/// With one rank that is what is there already; so it is where the interpreter runs a graph.
///
/// Gradient: none, the results are integers.
public struct ExchangeCounts: ForwardOperation {
  public static let kind = OpKind.exchangeCounts
  public static let formula = "received = where the rows of each rank and own expert begin"

  /// The ranks that share out the experts.
  public var ranks: Int

  public init(ranks: Int) { self.ranks = ranks }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("exchangeCounts", inputs, 1)
    try expectInteger("exchangeCounts", inputs[0])
    guard inputs[0].axes.count == 1, let bound = inputs[0].axes.first, bound.offset == 1 else {
      throw Mismatch(
        "exchangeCounts: start must have one entry more than experts, got \(inputs[0])")
    }
    guard ranks > 0, (bound.size - 1) % ranks == 0 else {
      throw Mismatch(
        "\(bound.size - 1) experts cannot be shared out among \(ranks) ranks",
        hint: "take a number of ranks that divides them")
    }
    return [inputs[0], .i32(Axis(constant: ranks), Axis(constant: Self.facts))]
  }

  /// What is told of each rank: a row's number there, and its seed.
  public static let facts = 3

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] { [nil] }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .exchangeCounts(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.start] }
  public var resultRoles: [Role] { [.received, .origin] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try infer(pass.inputs)
  }
  public var resultNames: [String] { ["received", "origin"] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes().with("ranks", .integer(ranks)) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(ranks: try reader.integer("ranks"))
  }

  /// `ExchangeRows`' samples have it.
  public static var samples: [Sample] { [] }
}
