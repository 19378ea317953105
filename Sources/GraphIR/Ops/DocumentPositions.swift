/// Positions counted from the beginning of each token's document.
///
///     y[b, t] = positions[t] - beginnings[b, t]    positions i32[T], beginnings i32[B, T] -> y i32[B, T]
///
/// Gradient: none, as whole numbers have none.
public struct DocumentPositions: ForwardOperation {
  public static let kind = OpKind.documentPositions
  public static let formula = "y[b, t] = positions[t] - beginnings[b, t]"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("documentPositions", inputs, 2)
    try expectInteger("documentPositions", inputs[0])
    try expectInteger("documentPositions", inputs[1])
    guard inputs[1].axes.count == 2, inputs[0].axes == [inputs[1].axes[1]] else {
      throw Mismatch(
        "documentPositions: expected positions [T] and beginnings [B, T], got \(inputs[0]) and "
          + "\(inputs[1])")
    }
    return [inputs[1]]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] { [nil, nil] }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .documentPositions(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.ids, .beginnings] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meet(meetings(pass.plain), "documentPositions")
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["positions"] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0, 1] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    [[AxisPlace(0, 0), AxisPlace(1, 1)]]
  }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [
      Sample("documentPositions", context: 19) { s in
        let table = s.operand("table", [s.context, Axis("C", 4)])
        let positions = s.applyOne(.input(Input(.positions, [s.context])), [])
        let own = s.applyOne(
          .documentPositions(DocumentPositions()), [positions, s.beginnings()])
        return [s.applyOne(.embedding(Embedding()), [own, table])]
      }
    ]
  }
}
