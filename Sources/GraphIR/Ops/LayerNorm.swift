/// Layer normalisation over the last axis (Ba et al. 2016), biased variance.
///
///     y = (x - mean) rstd w + b, or without b    mean = Σ x / C    rstd = 1 / √(Σ (x - mean)² / C + epsilon)
///
///     x f32[R…, C]    w, b f32[C] -> y f32[R…, C], mean f32[R…], rstd f32[R…]
///
/// Gradient, with n = (x - mean) rstd and g = dy w: dx = rstd (g - Σ g / C - n Σ (g n) / C),
/// dw = Σ_r dy n, db = Σ_r dy; backward reads x, w, mean, rstd.
public struct LayerNorm: ForwardOperation {
  public static let kind = OpKind.layerNorm
  public static let formula = "y = (x - mean) rstd w + b, rstd = 1 / sqrt(variance + epsilon)"

  public var epsilon: Double
  public var bias: Bool

  public init(epsilon: Double = 1e-5, bias: Bool = true) {
    self.epsilon = epsilon
    self.bias = bias
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("layerNorm", inputs, bias ? 3 : 2)
    try expectFloat("layerNorm", inputs[0])
    guard let width = inputs[0].axes.last, inputs[0].experts == nil else {
      throw Mismatch("layerNorm: expected unsorted rows, got \(inputs[0])")
    }
    try expectSame("layerNorm", "weight", .f32(width), inputs[1])
    if bias { try expectSame("layerNorm", "bias", .f32(width), inputs[2]) }
    let rows = TensorType(.f32, Array(inputs[0].axes.dropLast()))
    return [inputs[0], rows, rows]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return node.inputs.map { _ in nil } }
    // Of the parameters' two kernels make the weight's always; the bias's alone is a sum.
    let wantsBias = bias && node.isWanted[2]
    let isJoined = wantsBias && node.isWanted[1]
    let isBiasAlone = !node.isWanted[0] && !node.isWanted[1]
    let made: [Value?] =
      isBiasAlone
      ? [nil, nil]
      : g.emit(
        .layerNormGradient(LayerNormGradient(bias: isJoined)),
        [dy, node.inputs[0], node.inputs[1], node.results[1], node.results[2]])
    if !bias || isJoined { return made }
    guard wantsBias else { return made + [nil] }
    let type = g.type(of: dy)
    // What has one row has nothing to add up.
    return made
      + [type.axes.count == 1 ? dy : g.emitOne(.sum(Sum(to: type.axes.suffix(1))), [dy])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: 8 * inputs[0].count)
  }

  public var op: Op { .layerNorm(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    bias ? [.rows, .weights, .bias] : [.rows, .weights]
  }
  public var resultRoles: [Role] { [.output, .mean, .deviation] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }

  /// Weights are read as far as the rows are long, and lie so.
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    for operand in pass.inputs.dropFirst() where operand.axes != pass.inputs[0].axes.suffix(1) {
      try pass.demandWhole(
        operand.axes[0], "layerNorm", "the weights are those of", hint: "make them parameters")
    }
    let rows = TensorType(.f32, pass.inputs[0].axes.dropLast())
    return [pass.inputs[0], rows, rows]
  }

  public var resultNames: [String] { ["", "mean", "rstd"] }
  public var gradientFormulas: [String] { [LayerNormGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] {
    // One number, less its mean, is 0.
    (inputs[0].width > 1 ? [0, 1] : []) + (bias ? [2] : [])
  }
  public func use(ofParameter operand: Int) -> ParameterUse { operand == 0 ? .kept : .role(.norm) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[0].axes.suffix(1), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    [[AxisPlace(last: 0, inputs), AxisPlace(1, 0)] + (bias ? [AxisPlace(2, 0)] : [])]
  }

  public var attributes: Attributes {
    Attributes().with("epsilon", .number(epsilon)).with("unbiased", flag: !bias)
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(epsilon: try reader.number("epsilon"), bias: !reader.flag("unbiased"))
  }

  public static var samples: [Sample] {
    [2, 16, 33, 130].map { width in
      Sample("layerNorm width \(width)") { s in
        let C = Axis("C", width)
        let operands = [s.operand("x", width: C), s.operand("w", [C]), s.operand("b", [C])]
        return [s.apply(.layerNorm(LayerNorm()), operands)[0]]
      }
    } + [
      Sample("layerNorm without bias") { s in
        let C = Axis("C", 33)
        let operands = [s.operand("x", width: C), s.operand("w", [C])]
        return [s.apply(.layerNorm(LayerNorm(bias: false)), operands)[0]]
      }
    ]
  }
}
