/// The mean cross-entropy of targets under softmax(w x + b): a linear layer and `CrossEntropy` in one, so that the
/// logits of all rows are never in memory at once.
///
///     logits[n, :] = w x[n, :] + b
///     loss = Σ_n (maximum[n] - logits[n, targets[n]] + log sum[n]) / N    over the N rows with targets[n] ≥ 0
///     maximum[n] = max_v logits[n, v]    sum[n] = Σ_v exp(logits[n, v] - maximum[n])
///
///     x f32[B, T, C]    w f32[V, C]    b f32[V]    targets i32[B, T]
///     -> loss f32[], maximum f32[B, T], sum f32[B, T]
///
/// Targets are as `CrossEntropy` has them. Gradient: `linearCrossEntropyGradient`, which makes the logits again, part
/// by part; backward reads x, w, b, targets, maximum, sum.
public struct LinearCrossEntropy: ForwardOperation {
  public static let kind = OpKind.linearCrossEntropy
  public static let formula =
    "loss = mean over n of (log sum exp(logits[n, :]) - logits[n, targets[n]]), logits = w x + b"

  public var bias: Bool

  /// How many logits of each row are in memory at once.
  public var part: Int

  public init(bias: Bool, part: Int) { (self.bias, self.part) = (bias, part) }

  /// Weights lie in panels of so many outputs, and a part begins with one.
  public static let partAlignment = 16

  /// The linear layer whose logits it takes.
  private var linear: Linear { Linear(bias: bias) }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("linearCrossEntropy", inputs, bias ? 4 : 3)
    guard inputs[0].experts == nil else {
      throw Mismatch("linearCrossEntropy: expected rows of tokens, got \(inputs[0])")
    }
    guard part > 0, part % Self.partAlignment == 0 else {
      throw Mismatch(
        "linearCrossEntropy: a part of \(part) is no multiple of \(Self.partAlignment)")
    }
    let logits = try linear.infer(Array(inputs.dropLast()))
    return try CrossEntropy().infer(logits + inputs.suffix(1))
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dLoss = node.dy else { return node.inputs.map { _ in nil } }
    let wanted = node.isWanted.dropLast()
    if !wanted.contains(true) { return node.inputs.map { _ in nil } }
    let op = LinearCrossEntropyGradient(
      bias: bias, part: part, rows: wanted[0], weights: wanted[1], shift: bias && wanted[2])
    let operands = node.inputs + [node.results[1], node.results[2], dLoss]
    var made = g.emit(.linearCrossEntropyGradient(op), operands)[...]
    return wanted.map { $0 ? made.popFirst() : nil } + [nil]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    let logits = results[1].count * inputs[1].axes[0].size
    return .product(2 * logits * inputs[0].width) + Cost(flops: 4 * logits)
  }

  public var op: Op { .linearCrossEntropy(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.rows, .weights] + (bias ? [.bias] : []) + [.targets]
  }
  public var resultRoles: [Role] { [.output, .maximum, .sum] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meetTargetsOfRows(bias ? 3 : 2)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["loss", "maximum", "sum"] }
  public var gradientFormulas: [String] { [LinearCrossEntropyGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { linear.slopes(inputs) }
  public func use(ofParameter operand: Int) -> ParameterUse { linear.use(ofParameter: operand) }
  public var rowOperands: [Int] { [0, bias ? 3 : 2] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .joined(PositionRule.joins) }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    linear.meetings(Array(inputs.dropLast()))
      + AxisPlace.leading(0, bias ? 3 : 2, count: inputs[bias ? 3 : 2].axes.count)
  }

  public var attributes: Attributes {
    Attributes().with("bias", flag: bias).with("part", .integer(part))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(bias: reader.flag("bias"), part: try reader.integer("part"))
  }

  public static var samples: [Sample] {
    [(1, 2, true), (7, 33, false), (20, 65, true)].map { width, vocabulary, bias in
      let name = "linearCrossEntropy of \(vocabulary)" + (bias ? "" : " without bias")
      return Sample(name, vocabulary: vocabulary) { s in
        let C = Axis("C", width)
        let operands =
          [s.operand("x", width: C), s.operand("w", [s.vocabulary, C])]
          + (bias ? [s.operand("b", [s.vocabulary])] : []) + [s.targets()]
        return [s.apply(.linearCrossEntropy(LinearCrossEntropy(bias: bias, part: 16)), operands)[0]]
      }
    }
  }
}

extension PassExtents {
  /// Lets rows that logits are made of be those that the targets have, and the weights whole.
  mutating func meetTargetsOfRows(_ targets: Int) throws(Mismatch) {
    for (axis, other) in zip(inputs[0].axes, inputs[targets].axes) {
      _ = try common(axis, other, "logits")
    }
    let width = inputs[1].axes.suffix(1)
    for (own, other) in zip(inputs[0].axes.suffix(1), width) {
      _ = try common(other, own, "linear")
    }
    inputs[0].axes = inputs[targets].axes + width
    for vocabulary in inputs[1].axes.prefix(1) {
      try demandWhole(
        vocabulary, "logits", "there is one for each of",
        hint: "end with a linear layer to the vocabulary")
    }
  }
}
