/// Longer rows: zeros, x, zeros.
///
///     y[r, start + c] = x[r, c], the others 0    x f32[R…, D] -> y f32[R…, C]
///
/// Gradient: dx = `slice` of dy.
public struct Pad: ForwardOperation {
  public static let kind = OpKind.pad
  public static let formula = "y[r, start + c] = x[r, c], the others 0"

  public var axis: Axis
  public var start: Int

  public init(_ axis: Axis, from start: Int) {
    self.axis = axis
    self.start = start
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("pad", inputs, 1)
    try expectFloat("pad", inputs[0])
    try expectRank("pad", inputs[0], atLeast: inputs[0].experts == nil ? 1 : 2)
    guard start >= 0, start <= axis.size - inputs[0].width else {
      throw Mismatch("pad: \(inputs[0]) from \(start) is not within \(axis.named)")
    }
    return [inputs[0].replacingLast(with: axis)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy, let part = g.type(of: node.inputs[0]).axes.last else { return [nil] }
    return [g.emitOne(.slice(Slice(part, from: start)), [dy])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .pad(self) }
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
    try pass.demandWholeColumns("pad")
    self = mappingAxes(pass.axes.whole)
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["padded"] }
  public var gradientFormulas: [String] { [Slice.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
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
      Sample("pad") { s in
        let x = s.operand("x", width: Axis("D", 3))
        return [(5, 0), (5, 2), (19, 7), (3, 0)].map { size, start in
          s.applyOne(.pad(Pad(Axis("C\(size)", size), from: start)), [x])
        }
      }
    ]
  }
}
