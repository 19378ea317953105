/// The sum over the axes along which a broadcast repeated a tensor.
///
///     y[c] = Σ_r x[r, c]    x f32[R…, C…] -> y f32[C…], axes that x ends with
///     y[r] = Σ_c x[r, c]    x f32[R…, C…] -> y f32[R…], axes that x begins with
///     y[r, c] = Σ_m x[r, m, c]    x f32[R…, M…, C…] -> y f32[R…, C…], both
///
/// Gradient: dx = dy, repeated.
public struct Sum: ForwardOperation {
  public static let kind = OpKind.sum
  public static let formula = "y[c] = sum over r of x[r, c]"

  /// The axes that remain.
  public var axes: [Axis]

  public init(to axes: [Axis]) { self.axes = axes }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("sum", inputs, 1)
    try expectFloat("sum", inputs[0])
    guard inputs[0].experts == nil else {
      throw Mismatch("sum: rows sorted by expert cannot be summed, got \(inputs[0])")
    }
    let result = TensorType(.f32, axes)
    guard axes.count < inputs[0].axes.count, result.broadcasts(to: inputs[0]) else {
      throw Mismatch("sum: \(result) is not \(inputs[0]) without neighbouring axes")
    }
    return [result]
  }

  /// Which axes of an operand stay; nil for one that it cannot have.
  public func repetition(in type: TensorType) -> Repetition? {
    Repetition(ofWritten: axes, in: type.axes)
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return [nil] }
    // x · 0 + dy would keep the shape but not the meaning; repeating is what pointwise does.
    let x = node.inputs[0]
    return [g.emitOne(.pointwise(Pointwise.repeated), [dy, x])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: inputs[0].count)
  }

  public var op: Op { .sum(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .all(inShares: false) }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(to: axes.map(transform))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    guard let kept = repetition(in: pass.plain[0]) else { return try infer(pass.inputs) }
    axes = kept.met(of: pass.inputs[0].axes)
    return [TensorType(.f32, axes)]
  }
  public var resultNames: [String] { ["sum"] }
  public var gradientFormulas: [String] { ["dx = dy, repeated along the axes that were summed"] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes().with("to", .axes(axes)) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(to: try reader.axes("to"))
  }

  public static var samples: [Sample] {
    [
      Sample("sum leading, trailing and between") { s in
        let C = Axis("C", 19)
        let x = s.operand("x", width: C)
        let y = s.g.pointwise(.unary(.tanh, .input(0)), [x])
        return [
          s.applyOne(.sum(Sum(to: [C])), [y]),
          s.applyOne(.sum(Sum(to: [s.batch])), [y]),
          s.applyOne(.sum(Sum(to: [s.batch, C])), [y]),
          s.applyOne(.sum(Sum(to: [])), [y]),
        ]
      }
    ]
  }
}

extension Pointwise {
  /// y = x₀, in the shape of x₁: how a gradient is repeated along summed axes.
  static let repeated = Pointwise(.input(0))
}
