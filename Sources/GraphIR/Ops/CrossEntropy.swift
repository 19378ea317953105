/// The mean cross-entropy of targets under softmax(logits), over those that are not ignored.
///
///     loss = Σ_n (maximum[n] - logits[n, targets[n]] + log sum[n]) / N    over the N rows with targets[n] ≥ 0
///     maximum[n] = max_v logits[n, v]    sum[n] = Σ_v exp(logits[n, v] - maximum[n])
///
///     logits f32[B, T, V]    targets i32[B, T] -> loss f32[], maximum f32[B, T], sum f32[B, T]
///
/// A target of -100 is ignored: its row is in neither sum nor N. Where all are, the loss is 0.
///
/// Gradient: `crossEntropyGradient`; backward reads logits, maximum, sum, targets.
public struct CrossEntropy: ForwardOperation {
  public static let kind = OpKind.crossEntropy
  public static let formula =
    "loss = mean over n of (log sum exp(logits[n, :]) - logits[n, targets[n]]), targets[n] >= 0"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("crossEntropy", inputs, 2)
    try expectFloat("crossEntropy", inputs[0])
    let rows = Array(inputs[0].axes.dropLast())
    guard inputs[0].experts == nil, !inputs[0].axes.isEmpty else {
      throw Mismatch("crossEntropy: expected logits [..., vocabulary], got \(inputs[0])")
    }
    try expectSame("crossEntropy", "targets", TensorType(.i32, rows), inputs[1])
    return [.scalar, TensorType(.f32, rows), TensorType(.f32, rows)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dLoss = node.dy else { return [nil, nil] }
    let dLogits = g.emitOne(
      .crossEntropyGradient(CrossEntropyGradient()),
      [node.inputs[0], node.results[1], node.results[2], node.inputs[1], dLoss])
    return [dLogits, nil]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 4 * inputs[0].count)
  }

  public var op: Op { .crossEntropy(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.logits, .targets] }
  public var resultRoles: [Role] { [.output, .maximum, .sum] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meetTargets(0, 1)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["loss", "maximum", "sum"] }
  public var gradientFormulas: [String] { [CrossEntropyGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0, 1] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .joined(PositionRule.joins) }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    AxisPlace.leading(0, 1, count: inputs[1].axes.count)
  }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [2, 7, 65].map { vocabulary in
      Sample("crossEntropy of \(vocabulary)", vocabulary: vocabulary) { s in
        let logits = s.operand("logits", width: s.vocabulary)
        let targets = s.targets()
        return [s.apply(.crossEntropy(CrossEntropy()), [logits, targets])[0]]
      }
    }
  }
}

extension PassExtents {
  /// Lets logits have the rows that the targets have.
  mutating func meetTargets(_ logits: Int, _ targets: Int) throws(Mismatch) {
    let width = inputs[logits].axes.suffix(1)
    if let vocabulary = width.first {
      try demandWhole(
        vocabulary, "logits", "there is one for each of",
        hint: "end with a linear layer to the vocabulary")
    }
    for (axis, other) in zip(inputs[logits].axes, inputs[targets].axes) {
      _ = try common(axis, other, "logits")
    }
    inputs[logits].axes = inputs[targets].axes + width
  }
}
