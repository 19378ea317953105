/// Causal self-attention of every head, dropout on the weights included.
///
///     y = dropout(softmax(scale q kᵀ, keys u ≤ t)) v    for each sequence and head
///
///     q f32[B, T, H D], k, v f32[B, T, G D], sinks f32[H], beginnings i32[B, T] -> y f32[B, T, H D],
///     maximum f32[B, H, T], sum f32[B, H, T]
///
/// Heads lie side by side, head h in h D ..< (h + 1) D. Where there are fewer heads of keys than of
/// queries, head h reads head h / (H / G) of keys and values. A `window` leaves a query its last keys:
/// t - window < u ≤ t. A `softCap` turns each score into cap tanh(score / cap). A sink is one more score
/// of each head, whose weight goes to no value. `beginnings` leave a query the keys of its document: those
/// from beginnings[b, t] on. Sinks and beginnings are the last operands, if there are any.
///
/// maximum[b, h, t] is the largest score, and sum[b, h, t] = Σ_u exp(score - maximum), sinks included;
/// with them backward recomputes the weights, so that no [T, T] matrix is kept (Dao et al. 2022). Their
/// one logsumexp would lose the sum beside a large maximum.
///
/// Gradient: `attentionGradient`, and `attentionSinkGradient` of sinks; backward reads q, k, v, y,
/// maximum, sum.
public struct Attention: ForwardOperation {
  public static let kind = OpKind.attention
  public static let formula =
    "y = dropout(softmax(scale q k^T, causal)) v, per sequence and head; of fewer heads of keys each is "
    + "read by several, keys before a window are hidden too, with a cap scores are cap tanh(score / cap), "
    + "sinks are one more score of each head, of no value, and keys before a query's beginning are hidden"

  public var heads: Axis

  /// The heads of keys and values: the same, or fewer that divide them.
  public var keyHeads: Axis
  public var scale: Double

  /// How many keys a query sees, its own included; nil: all up to its own.
  public var window: Int?

  /// What no score exceeds; nil: nothing.
  public var softCap: Double?

  /// The probability with which a weight is dropped in training, and the stream that decides.
  public var rate: Double
  public var stream: Int

  public init(
    heads: Axis, keyHeads: Axis? = nil, scale: Double, window: Int? = nil, softCap: Double? = nil,
    rate: Double = 0, stream: Int = 0
  ) {
    self.heads = heads
    self.keyHeads = keyHeads ?? heads
    self.scale = scale
    self.window = window
    self.softCap = softCap
    self.rate = rate
    self.stream = stream
  }

  /// How many heads of queries read the same keys.
  public var group: Int { heads.size / max(keyHeads.size, 1) }

  /// Whether every query head has keys of its own, sees all before it, and scores are as they are.
  public var isPlain: Bool { keyHeads == heads && window == nil && softCap == nil }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    let documents = Self.hasDocuments(inputs) ? 1 : 0
    let count = documents + (inputs.count == 4 + documents ? 4 : 3)
    try expectCount("attention", inputs, count)
    try expectFloat("attention", inputs[0], inputs[1], inputs[2])
    let axes = inputs[0].axes
    guard axes.count == 3, inputs[0].experts == nil else {
      throw Mismatch("attention: expected a tensor [batch, time, width], got \(inputs[0])")
    }
    guard heads.size > 0, axes[2].size % heads.size == 0 else {
      throw Mismatch("attention: \(heads.named) heads do not divide the width \(axes[2].named)")
    }
    try expectKeys(inputs)
    if count == 4 + documents { try expectSinks(inputs[3]) }
    if Self.hasDocuments(inputs) {
      try expectSame(
        "attention", "beginnings of documents", TensorType(.i32, Array(axes.prefix(2))),
        inputs[count - 1])
    }
    try expectNumbers()
    let rows = TensorType(.f32, [axes[0], heads, axes[1]])
    return [inputs[0], rows, rows]
  }

  /// Whether heads have a score more, and whether a sequence may hold several documents: behind queries, keys and
  /// values, or what holds all three.
  static func hasSinks(_ inputs: [TensorType]) -> Bool {
    inputs.dropFirst().contains { $0.element == .f32 && $0.axes.count == 1 }
  }
  static func hasDocuments(_ inputs: [TensorType]) -> Bool { inputs.last?.element == .i32 }

  private func expectKeys(_ inputs: [TensorType]) throws(Mismatch) {
    if keyHeads == heads {
      try expectSame("attention", "keys", inputs[0], inputs[1])
    } else {
      guard keyHeads.size > 0, heads.size % keyHeads.size == 0 else {
        throw Mismatch(
          "attention: \(keyHeads.named) heads of keys do not divide \(heads.named) of queries",
          hint: "each head of keys and values is read by as many heads of queries")
      }
      let axes = inputs[0].axes
      let width = axes[2].size / heads.size * keyHeads.size
      guard inputs[1].axes.count == 3, inputs[1].experts == nil,
        inputs[1].axes.dropLast() == axes.dropLast(), inputs[1].width == width
      else {
        throw Mismatch(
          "attention: keys must be \(axes[0]), \(axes[1]) by \(width) numbers, got \(inputs[1])")
      }
    }
    try expectSame("attention", "values", inputs[1], inputs[2])
  }

  private func expectSinks(_ sinks: TensorType) throws(Mismatch) {
    guard sinks.element == .f32, sinks.axes.count == 1, sinks.axes[0].size == heads.size else {
      throw Mismatch(
        "attention: sinks are one number for each of \(heads.named) heads, got \(sinks)",
        hint: "parameter(\"sinks\", Axis(\"H\", \(heads.size)), initial: .zeros) is such")
    }
  }

  private func expectNumbers() throws(Mismatch) {
    if let window, window < 1 {
      throw Mismatch(
        "attention: the window must be at least 1, got \(window)",
        hint: "it counts the keys that a query sees, its own included")
    }
    if let softCap, !(softCap > 0 && softCap.isFinite) {
      throw Mismatch(
        "attention: the cap must be a number above 0, got \(softCap)",
        hint: "scores stay between -cap and cap; 50 is usual")
    }
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return node.inputs.map { _ in nil } }
    let (y, normaliser) = (node.results[0], node.results[1...])
    let types = node.inputs.map { g.type(of: $0) }
    let documents = Self.hasDocuments(types) ? node.inputs.suffix(1) : []
    let gradients: [Value?] = g.emit(
      .attentionGradient(AttentionGradient(self)),
      [dy, y] + node.inputs.prefix(3) + normaliser + documents)
    let none: [Value?] = documents.map { _ in nil }
    guard Self.hasSinks(types) else { return gradients + none }
    let sinks = g.emitOne(
      .attentionSinkGradient(AttentionSinkGradient()), [dy, y, node.inputs[3]] + normaliser)
    return gradients + [sinks] + none
  }

  /// How many keys the queries of a text see together.
  public func visibleKeys(_ length: Int) -> Int {
    let window = min(window ?? length, length)
    return window * (window + 1) / 2 + (length - window) * window
  }

  /// Both products, of the keys that a query sees.
  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    let length = inputs[0].axes[1].size
    let (numbers, rows) = (inputs[0].count, results[1].count)
    if length == 0 { return .none }
    let seen = visibleKeys(length)
    let capped = softCap == nil ? 0 : 3
    return .product(4 * (numbers / length) * seen)
      + Cost(flops: (5 + capped) * (rows / length) * seen)
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
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    Role.projected + (Self.hasSinks(inputs) ? [.sinks] : [])
      + (Self.hasDocuments(inputs) ? [.beginnings] : [])
  }
  public var resultRoles: [Role] { [.output, .maximum, .sum] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    var copy = self
    copy.heads = transform(heads)
    copy.keyHeads = transform(keyHeads)
    return copy
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    try pass.meet(meetings(pass.plain), "attention")
    let hasSinks = Self.hasSinks(pass.plain)
    for input in 0..<(hasSinks ? 4 : 3) where input == 0 || keyHeads != heads || input == 3 {
      guard let axis = pass.inputs[input].axes.last else { continue }
      try pass.demandWhole(
        axis, "attention",
        input == 3 ? "the axis of sinks is" : "the width of the heads is",
        hint: input == 3 ? "give sinks an axis of constant size" : "divide an axis of constant size"
      )
    }
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["heads", "maximum", "sum"] }
  public var gradientFormulas: [String] {
    [AttentionGradient.formula, AttentionSinkGradient.formula]
  }
  public func slopes(_ inputs: [TensorType]) -> [Int] {
    if Self.hasSinks(inputs) { return [0, 1, 2, 3] }
    // The weight of the only position is 1.
    return inputs[0].axes[1].size > 1 && window != 1 ? [0, 1, 2] : [2]
  }
  public func use(ofParameter operand: Int) -> ParameterUse {
    .role(operand == 3 ? .bias : .weight)
  }
  public var rowOperands: [Int] { [0, 1, 2] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .causal }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    let places = Array(0..<3) + (Self.hasDocuments(inputs) ? [inputs.count - 1] : [])
    let shared = (0..<2).map { axis in places.map { AxisPlace($0, axis) } }
    return shared + [(keyHeads == heads ? 0..<3 : 1..<3).map { AxisPlace($0, 2) }]
  }

  public var attributes: Attributes {
    Attributes().with("heads", .axes([heads]))
      .with("keyHeads", keyHeads == heads ? nil : .axes([keyHeads]))
      .with("scale", .number(scale)).with("window", window.map { .integer($0) })
      .with("softCap", softCap.map { .number($0) })
      .with("rate", .number(rate)).with("stream", .integer(stream))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(
      heads: try reader.axis("heads"), keyHeads: try reader.optionalAxis("keyHeads"),
      scale: try reader.number("scale"), window: try reader.optionalInteger("window"),
      softCap: try reader.optionalNumber("softCap"), rate: try reader.number("rate"),
      stream: try reader.integer("stream"))
  }
}
