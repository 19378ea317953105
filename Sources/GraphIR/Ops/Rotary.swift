/// Rotary positions (Su et al. 2021): turns each pair of a head's numbers by an angle that grows with
/// the position.
///
///     a = t base^(-2 i / D)    y₁ = x₁ cos a - x₂ sin a    y₂ = x₂ cos a + x₁ sin a
///
///     x f32[B, T, C] -> y f32[B, T, C]
///
/// Heads lie side by side in C, head h in h D ..< (h + 1) D. Pair i < D / 2 is numbers i and i + D / 2 of a
/// head, or 2 i and 2 i + 1 if `interleaved`. Products of queries and keys turned so depend on how far
/// apart they are, and not on where. Of `turned` heads alone, the first ones, the others stay as they are.
///
/// Where positions are scaled to a longer context, a is t times `RotaryScaling.turn`, and y is times its amplitude.
///
/// Gradient: dx = the same of dy by -a, which is `inverse`; backward reads nothing else.
public struct Rotary: ForwardOperation {
  public static let kind = OpKind.rotary
  public static let formula =
    "y1 = x1 cos a - x2 sin a, y2 = x2 cos a + x1 sin a, a = t base^(-2 i / D)"

  public var heads: Axis

  /// How many heads are turned; nil: all.
  public var turned: Axis?
  public var base: Double
  public var interleaved: Bool

  /// How positions are scaled; nil: not at all.
  public var scaling: RotaryScaling?

  /// Whether it turns by -a.
  public var inverse: Bool

  public init(
    heads: Axis, turned: Axis? = nil, base: Double, interleaved: Bool = false,
    scaling: RotaryScaling? = nil, inverse: Bool = false
  ) {
    self.heads = heads
    self.turned = turned
    self.base = base
    self.interleaved = interleaved
    self.scaling = scaling
    self.inverse = inverse
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("rotary", inputs, 1)
    try expectFloat("rotary", inputs[0])
    let axes = inputs[0].axes
    guard axes.count == 3, inputs[0].experts == nil else {
      throw Mismatch("rotary: expected a tensor [batch, time, width], got \(inputs[0])")
    }
    guard heads.size > 0, axes[2].size % heads.size == 0 else {
      throw Mismatch("rotary: \(heads.named) heads do not divide the width \(axes[2].named)")
    }
    guard turned?.size ?? 0 <= heads.size else {
      throw Mismatch("rotary: of \(heads.size) heads \(turned?.size ?? 0) cannot be turned")
    }
    let depth = axes[2].size / heads.size
    guard depth % 2 == 0 else {
      throw Mismatch(
        "rotary: a head of \(depth) numbers does not divide into pairs",
        hint: "give heads an even width")
    }
    guard base > 1, base.isFinite else {
      throw Mismatch(
        "rotary: the base must be a number above 1, got \(base)", hint: "10_000 is usual")
    }
    try scaling?.check()
    return [inputs[0]]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return [nil] }
    var back = self
    back.inverse.toggle()
    return [g.emitOne(.rotary(back), [dy])]
  }

  /// Three operations for each number; angles are few beside the numbers that they turn.
  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 3 * inputs[0].count / max(heads.size, 1) * (turned ?? heads).size)
  }

  public var op: Op { .rotary(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    var copy = self
    copy.heads = transform(heads)
    copy.turned = turned.map(transform)
    return copy
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.demandWhole(
      pass.inputs[0].axes[2], "rotary", "the width of the heads is",
      hint: "divide an axis of constant size")
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["rotated"] }
  public var gradientFormulas: [String] { ["dx = dy, turned by -a"] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apartAt(1) }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes {
    let known = Attributes().with("heads", .axes([heads]))
      .with("turned", turned.map { .axes([$0]) }).with("base", .number(base))
      .with("interleaved", flag: interleaved).with("inverse", flag: inverse)
    return (scaling?.attributes ?? []).reduce(known) { $0.with($1.name, $1.content) }
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(
      heads: try reader.axis("heads"), turned: try reader.optionalAxis("turned"),
      base: try reader.number("base"),
      interleaved: reader.flag("interleaved"), scaling: try RotaryScaling(&reader),
      inverse: reader.flag("inverse"))
  }

  public static var samples: [Sample] {
    [
      sample(heads: 1, depth: 2, length: 5, base: 10_000),
      sample(heads: 3, depth: 2, length: 1, base: 7),
      sample(heads: 3, depth: 10, length: 13, base: 10_000),
      sample(heads: 2, depth: 34, length: 35, base: 1.5, interleaved: true),
      sample(heads: 1, depth: 70, length: 33, base: 1e6),
      sample(heads: 5, depth: 6, length: 70, base: 500, interleaved: true, inverse: true),
      sample(heads: 5, turned: 3, depth: 6, length: 9, base: 500),
      sample(heads: 3, turned: 2, depth: 70, length: 33, base: 30, interleaved: true),
      sample(heads: 2, depth: 6, length: 5, base: 500, scaling: ("linear", .linear(factor: 4))),
      sample(
        heads: 2, depth: 70, length: 37, base: 500,
        scaling: ("llama3", .llama3(factor: 8, low: 1, high: 4, context: 16))),
      sample(
        heads: 2, depth: 34, length: 35, base: 100, interleaved: true,
        scaling: (
          "yarn",
          .yarn(
            factor: 4, amplitude: nil, fast: 2, slow: 0.1, context: 9, rounds: true, base: 100,
            depth: 34)
        )),
    ]
  }

  private static func sample(
    heads: Int, turned: Int? = nil, depth: Int, length: Int, base: Double,
    interleaved: Bool = false, inverse: Bool = false,
    scaling: (name: String, RotaryScaling)? = nil
  ) -> Sample {
    let kinds =
      (turned.map { " turned \($0)" } ?? "") + (interleaved ? " interleaved" : "")
      + (inverse ? " inverse" : "") + (scaling.map { " scaled \($0.name)" } ?? "")
    return Sample(
      "rotary heads \(heads) depth \(depth) length \(length)\(kinds)", context: length, batch: 2
    ) { s in
      let x = s.operand("x", width: Axis("C", heads * depth))
      let op = Rotary(
        heads: Axis("H", heads), turned: turned.map { Axis("G", $0) }, base: base,
        interleaved: interleaved, scaling: scaling?.1, inverse: inverse)
      return [s.applyOne(.rotary(op), [s.g.pointwise(.unary(.tanh, .input(0)), [x])])]
    }
  }
}
