/// Hides the keys that come after the query.
///
///     y[…, t, u] = x[…, t, u] for u ≤ t, else fill    x f32[…, T, T] -> y f32[…, T, T]
///
/// Gradient: dx = the same with fill 0.
public struct CausalMask: ForwardOperation {
  public static let kind = OpKind.causalMask
  public static let formula = "y[..., t, u] = x[..., t, u] for u <= t, else fill"

  public enum Fill: String, Hashable, Sendable, CaseIterable {
    case minusInfinity
    case zero
  }

  public var fill: Fill

  public init(_ fill: Fill = .minusInfinity) { self.fill = fill }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("causalMasked", inputs, 1)
    try expectFloat("causalMasked", inputs[0])
    try expectRank("causalMasked", inputs[0], atLeast: 2)
    let axes = inputs[0].axes
    guard axes[axes.count - 1] == axes[axes.count - 2], inputs[0].experts == nil else {
      throw Mismatch("causalMasked: expected equal last axes [queries, keys], got \(inputs[0])")
    }
    return inputs
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    [node.dy.map { g.emitOne(.causalMask(CausalMask(.zero)), [$0]) }]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .causalMask(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meet(meetings(pass.plain), "causalMasked")
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["masked"] }
  public var gradientFormulas: [String] { ["dx = dy up to the query, 0 after it"] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .joined("masks a matrix of positions that is not fused into attention")
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    let rank = inputs[0].axes.count
    return [[AxisPlace(0, rank - 2), AxisPlace(0, rank - 1)]]
  }

  public var attributes: Attributes { Attributes().with("fill", .string(fill.rawValue)) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    let name = try reader.string("fill")
    guard let fill = Fill(rawValue: name) else {
      throw Mismatch("causalMask: unknown fill \(name)")
    }
    self.init(fill)
  }

  public static var samples: [Sample] {
    [
      Sample("causalMask") { s in
        let x = s.operand("x", [s.batch, s.context, s.context])
        let masked = s.applyOne(.causalMask(CausalMask()), [x])
        return [s.applyOne(.softmax(Softmax()), [masked])]
      },
      Sample("causalMask zero") { s in
        let x = s.operand("x", [s.batch, s.context, s.context])
        return [s.applyOne(.causalMask(CausalMask(.zero)), [x])]
      },
    ]
  }
}
