/// What the caller gives: tokens and targets, the positions 0 ..< T, and where documents begin.
///
///     tokens, targets, beginnings i32[B, T]    positions i32[T]
///
/// Tokens are in 0 ..< V, and so are targets, but for those that are to be ignored. beginnings[b, t] is the
/// position in row b of the first token of the document that token t belongs to: t itself, or that of the
/// token before.
public struct Input: ForwardOperation {
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    case tokens
    case targets
    case positions
    case beginnings
  }

  public static let kind = OpKind.input
  public static let formula =
    "y = the caller's tokens, targets, beginnings of documents, or positions 0 ..< T"

  /// The target of a position that is neither learned nor measured, as in PyTorch's losses.
  public static let ignoredTarget: Int32 = -100

  public var kind: Kind
  public var axes: [Axis]

  public init(_ kind: Kind, _ axes: [Axis]) {
    self.kind = kind
    self.axes = axes
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("input", inputs, 0)
    return [TensorType(.i32, axes)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] { [] }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .input(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(kind, axes.map(transform))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    switch kind {
    case .tokens, .targets, .beginnings: axes = [pass.axes.sequences, pass.axes.positions]
    case .positions: axes = [pass.axes.positions]
    }
    return try infer([])
  }
  public var resultNames: [String] { [kind.rawValue] }
  public var gradientFormulas: [String] { [] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes {
    Attributes().with("kind", .string(kind.rawValue)).with("axes", .axes(axes))
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    let name = try reader.string("kind")
    guard let kind = Kind(rawValue: name) else { throw Mismatch("input: unknown kind \(name)") }
    self.init(kind, try reader.axes("axes"))
  }

  public static var samples: [Sample] {
    [
      Sample("input") { s in
        let table = s.operand("table", [s.context, Axis("C", 4)])
        let positions = s.applyOne(.input(Input(.positions, [s.context])), [])
        return [s.applyOne(.embedding(Embedding()), [positions, table])]
      }
    ]
  }
}
