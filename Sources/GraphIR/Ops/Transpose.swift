/// The last two axes change places.
///
///     y[…, i, j] = x[…, j, i]    x f32[…, M, N] -> y f32[…, N, M]
///
/// Gradient: dx = dyᵀ.
public struct Transpose: ForwardOperation {
  public static let kind = OpKind.transpose
  public static let formula = "y[..., i, j] = x[..., j, i]"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("transpose", inputs, 1)
    try expectRank("transpose", inputs[0], atLeast: 2)
    guard inputs[0].experts == nil else {
      throw Mismatch("transpose: rows sorted by expert must stay rows, got \(inputs[0])")
    }
    var axes = inputs[0].axes
    axes.swapAt(axes.count - 1, axes.count - 2)
    return [TensorType(inputs[0].element, axes)]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    [node.dy.map { g.emitOne(.transpose(Transpose()), [$0]) }]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .transpose(self) }
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
    try infer(pass.inputs)
  }
  public var resultNames: [String] { ["transposed"] }
  public var gradientFormulas: [String] { ["dx = dy, its last two axes exchanged"] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { true }
  public func positions(_ inputs: [TensorType]) -> PositionRule { .apart }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [
      Sample("transpose") { s in
        let x = s.operand("x", width: Axis("C", 6))
        return [s.applyOne(.transpose(Transpose()), [s.g.pointwise(.unary(.tanh, .input(0)), [x])])]
      }
    ]
  }
}
