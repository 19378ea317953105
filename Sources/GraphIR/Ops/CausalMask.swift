/// Hides the keys that come after the query.
///
///     y[…, t, u] = x[…, t, u] for u ≤ t, else fill    x f32[…, T, T] -> y f32[…, T, T]
///
/// With a second operand, beginnings i32[B, T] for x f32[B, …, T, T], keys before the query's document are
/// hidden too: y[b, …, t, u] = x[b, …, t, u] for beginnings[b, t] ≤ u ≤ t.
///
/// Gradient: dx = the same with fill 0.
public struct CausalMask: ForwardOperation {
  public static let kind = OpKind.causalMask
  public static let formula =
    "y[..., t, u] = x[..., t, u] for u <= t, of documents from their beginning on, else fill"

  public enum Fill: String, Hashable, Sendable, CaseIterable {
    case minusInfinity
    case zero
  }

  public var fill: Fill

  public init(_ fill: Fill = .minusInfinity) { self.fill = fill }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("causalMasked", inputs, inputs.count == 2 ? 2 : 1)
    try expectFloat("causalMasked", inputs[0])
    try expectRank("causalMasked", inputs[0], atLeast: 2)
    let axes = inputs[0].axes
    guard axes[axes.count - 1] == axes[axes.count - 2], inputs[0].experts == nil else {
      throw Mismatch("causalMasked: expected equal last axes [queries, keys], got \(inputs[0])")
    }
    if inputs.count == 2 {
      try expectRank("causalMasked", inputs[0], atLeast: 3)
      try expectSame(
        "causalMasked", "beginnings of documents",
        TensorType(.i32, [axes[0], axes[axes.count - 1]]),
        inputs[1])
    }
    return [inputs[0]]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    let documents = node.inputs.dropFirst()
    let dx = node.dy.map { g.emitOne(.causalMask(CausalMask(.zero)), [$0] + documents) }
    return [dx] + documents.map { _ in nil }
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .causalMask(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] {
    [.operand] + inputs.dropFirst().map { _ in .beginnings }
  }
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
    let positions = [AxisPlace(0, rank - 2), AxisPlace(0, rank - 1)]
    guard inputs.count == 2 else { return [positions] }
    return [positions + [AxisPlace(1, 1)], [AxisPlace(0, 0), AxisPlace(1, 0)]]
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
      Sample("causalMask of documents") { s in
        let x = s.operand("x", [s.batch, Axis("H", 2), s.context, s.context])
        let masked = s.applyOne(.causalMask(CausalMask()), [x, s.beginnings()])
        return [s.applyOne(.softmax(Softmax()), [masked])]
      },
    ]
  }
}
