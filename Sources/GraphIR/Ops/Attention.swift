/// Causal self-attention of every head, dropout on the weights included.
///
///     y = dropout(softmax(scale q kᵀ, keys u ≤ t)) v    for each sequence and head
///
///     q, k, v f32[B, T, C] -> y f32[B, T, C], maximum f32[B, H, T], sum f32[B, H, T]
///
/// Heads lie side by side in C, head h in h D ..< (h + 1) D. maximum[b, h, t] = max_u scale q·k and
/// sum[b, h, t] = Σ_u exp(scale q·k - maximum); with them backward recomputes the weights, so that no
/// [T, T] matrix is kept (Dao et al. 2022). Their one logsumexp would lose the sum beside a large maximum.
///
/// Gradient: `attentionGradient`; backward reads q, k, v, y, maximum, sum.
public struct Attention: ForwardOperation {
  public static let kind = OpKind.attention
  public static let formula = "y = dropout(softmax(scale q k^T, causal)) v, per sequence and head"

  public var heads: Axis
  public var scale: Double

  /// The probability with which a weight is dropped in training, and the stream that decides.
  public var rate: Double
  public var stream: Int

  public init(heads: Axis, scale: Double, rate: Double = 0, stream: Int = 0) {
    self.heads = heads
    self.scale = scale
    self.rate = rate
    self.stream = stream
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("attention", inputs, 3)
    try expectFloat("attention", inputs[0], inputs[1], inputs[2])
    let axes = inputs[0].axes
    guard axes.count == 3, inputs[0].experts == nil else {
      throw Mismatch("attention: expected a tensor [batch, time, width], got \(inputs[0])")
    }
    try expectSame("attention", "keys", inputs[0], inputs[1])
    try expectSame("attention", "values", inputs[0], inputs[2])
    guard heads.size > 0, axes[2].size % heads.size == 0 else {
      throw Mismatch("attention: \(heads.named) heads do not divide the width \(axes[2].named)")
    }
    let rows = TensorType(.f32, [axes[0], heads, axes[1]])
    return [inputs[0], rows, rows]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return [nil, nil, nil] }
    return g.emit(
      .attentionGradient(
        AttentionGradient(heads: heads, scale: scale, rate: rate, stream: stream)),
      [dy, node.results[0]] + node.inputs + node.results[1...])
  }

  /// Both products, of which the causal half is needed.
  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    let length = inputs[0].axes[1].size
    let weights = 5 * results[1].count * (length + 1) / 2
    return .product(2 * inputs[0].count * (length + 1)) + Cost(flops: weights)
  }

  public var op: Op { .attention(self) }
  public var streams: [StreamUse] {
    rate == 0 ? [] : [StreamUse(stream, .keep(rate: rate))]
  }
  public func mappingStreams(_ number: (Int) -> Int) -> Self {
    var copy = self
    copy.stream = rate == 0 ? 0 : number(stream)
    return copy
  }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.queries, .keys, .values] }
  public var resultRoles: [Role] { [.output, .maximum, .sum] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    var copy = self
    copy.heads = transform(heads)
    return copy
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    try pass.meet(meetings(pass.plain), "attention")
    try pass.demandWhole(
      pass.inputs[0].axes[2], "attention", "the width of the heads is",
      hint: "divide an axis of constant size")
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["heads", "maximum", "sum"] }
  public var gradientFormulas: [String] { [AttentionGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] {
    // The weight of the only position is 1.
    inputs[0].axes[1].size > 1 ? [0, 1, 2] : [2]
  }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0, 1, 2] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .causal }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    (0..<3).map { axis in (0..<3).map { AxisPlace($0, axis) } }
  }

  public var attributes: Attributes {
    Attributes().with("heads", .axes([heads])).with("scale", .number(scale))
      .with("rate", .number(rate)).with("stream", .integer(stream))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(
      heads: try reader.axis("heads"), scale: try reader.number("scale"),
      rate: try reader.number("rate"), stream: try reader.integer("stream"))
  }

  public static var samples: [Sample] {
    [(1, 3, 5, 0.0), (2, 6, 13, 0.2), (3, 48, 33, 0.1), (1, 1, 1, 0.0)].map {
      heads, width, length, rate in
      Sample("attention heads \(heads) width \(width) length \(length)", context: length, batch: 2)
      {
        s in
        let C = Axis("C", width)
        let operands = ["q", "k", "v"].map { s.operand($0, width: C) }
        let op = Attention(heads: Axis("H", heads), scale: 0.4, rate: rate, stream: 3)
        return [s.apply(.attention(op), operands)[0]]
      }
    }
  }
}
