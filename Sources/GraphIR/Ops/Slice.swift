/// Some neighbouring numbers of each row.
///
///     y[r, c] = x[r, start + c]    x f32[R…, C] -> y f32[R…, D]
///
/// Gradient: dx = `pad` of dy.
public struct Slice: ForwardOperation {
  public static let kind = OpKind.slice
  public static let formula = "y[r, c] = x[r, start + c]"

  public var axis: Axis
  public var start: Int

  public init(_ axis: Axis, from start: Int) {
    self.axis = axis
    self.start = start
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("slice", inputs, 1)
    try expectFloat("slice", inputs[0])
    try expectRank("slice", inputs[0], atLeast: inputs[0].experts == nil ? 1 : 2)
    guard start >= 0, axis.size >= 1, start <= inputs[0].width - axis.size else {
      throw Mismatch("slice: \(axis.named) from \(start) is not within \(inputs[0])")
    }
    return [inputs[0].replacingLast(with: axis)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy, let whole = g.type(of: node.inputs[0]).axes.last else { return [nil] }
    return [g.emitOne(.pad(Pad(whole, from: start)), [dy])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .slice(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .rowByRow }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.operand] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(transform(axis), from: start)
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.demandWholeColumns("slice")
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["slice"] }
  public var gradientFormulas: [String] { [Pad.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[0].axes.suffix(1), PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes {
    Attributes().with("axis", .axes([axis])).with("start", .integer(start))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(try reader.axis("axis"), from: try reader.integer("start"))
  }

  public static var samples: [Sample] {
    [
      Sample("slice") { s in
        let x = s.operand("x", width: Axis("C", 19))
        return [(5, 0), (3, 7), (1, 18), (19, 0)].map { size, start in
          s.applyOne(.slice(Slice(Axis("D\(size)", size), from: start)), [x])
        }
      },
      Sample("slice of sorted rows") { s in
        let (E, C, D) = (Axis("E", 4), Axis("C", 18), Axis("D", 6))
        let (weights, routed) = s.routing(experts: E, chosen: Axis("K", 2), capacity: 0.8)
        let rows = s.applyOne(.dispatch(Dispatch()), [s.operand("x", width: C)] + routed)
        let y = s.applyOne(.slice(Slice(D, from: 5)), [rows])
        return [s.applyOne(.combine(Combine()), [y, weights, routed[2]])]
      },
    ]
  }
}

extension PassExtents {
  /// Columns are cut by number, which a shorter text would move.
  mutating func demandWholeColumns(_ what: String) throws(Mismatch) {
    for input in inputs {
      guard let last = input.axes.last else { continue }
      try demandWhole(
        last, what, "the columns are", hint: "cut and join axes of constant size")
    }
  }
}
