/// The product of the matrices in the last two axes, for each position of the leading axes.
///
///     c = a b    a f32[…, M, K]    b f32[…, K, N] -> c f32[…, M, N]
///
/// `transposeA`: a is stored f32[…, K, M]; `transposeB`: b is stored f32[…, N, K].
///
/// Gradient: da = dc bᵀ, db = aᵀ dc, transposed where the operand is; backward reads a and b.
public struct Matmul: ForwardOperation {
  public static let kind = OpKind.matmul
  public static let formula = "c = a b"

  public var transposeA: Bool
  public var transposeB: Bool

  public init(transposeA: Bool = false, transposeB: Bool = false) {
    self.transposeA = transposeA
    self.transposeB = transposeB
  }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("matmul", inputs, 2)
    try expectFloat("matmul", inputs[0], inputs[1])
    try expectRank("matmul", inputs[0], atLeast: 2)
    try expectRank("matmul", inputs[1], atLeast: 2)
    let (m, inner) = Self.matrix(inputs[0], transposed: transposeA)
    let (other, n) = Self.matrix(inputs[1], transposed: transposeB)
    let batch = inputs[0].axes.dropLast(2)
    let isLedAlike = batch == inputs[1].axes.dropLast(2)
    let both = "both sides need the same axes before their last two, and matmul repeats neither"
    try expectInner("matmul", inner, other, hint: isLedAlike ? "" : "; besides, \(both)")
    guard isLedAlike, inputs.allSatisfy({ $0.experts == nil }) else {
      throw Mismatch("matmul: leading axes differ, \(inputs[0]) and \(inputs[1])", hint: both)
    }
    return [TensorType(.f32, batch + [m, n])]
  }

  /// Rows and columns as the product sees them.
  private static func matrix(_ type: TensorType, transposed: Bool) -> (Axis, Axis) {
    let (a, b) = (type.axes[type.axes.count - 2], type.axes[type.axes.count - 1])
    return transposed ? (b, a) : (a, b)
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dc = node.dy else { return [nil, nil] }
    let (a, b) = (node.inputs[0], node.inputs[1])
    let da =
      transposeA
      ? g.emitOne(.matmul(Matmul(transposeA: transposeB, transposeB: true)), [b, dc])
      : g.emitOne(.matmul(Matmul(transposeB: !transposeB)), [dc, b])
    let db =
      transposeB
      ? g.emitOne(.matmul(Matmul(transposeA: true, transposeB: transposeA)), [dc, a])
      : g.emitOne(.matmul(Matmul(transposeA: !transposeA)), [a, dc])
    return [da, db]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    let inner = transposeA ? inputs[0].axes[inputs[0].axes.count - 2].size : inputs[0].width
    return .product(2 * results[0].count * inner)
  }

  public var op: Op { .matmul(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.left, .right] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.meet(meetings(pass.plain), "matmul")
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { ["product"] }
  public var gradientFormulas: [String] {
    ["da = dc b^T, db = a^T dc, each transposed as a and b are"]
  }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [0, 1] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.weight) }
  public var rowOperands: [Int] { [0, 1] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(
      inputs.flatMap { $0.axes.suffix(2) },
      "multiplies matrices of positions, which only attention(q, k, v) and its like may")
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] {
    let rank = inputs[0].axes.count
    let inner = [
      AxisPlace(0, rank - (transposeA ? 2 : 1)), AxisPlace(1, rank - (transposeB ? 1 : 2)),
    ]
    return (0..<rank - 2).map { [AxisPlace(0, $0), AxisPlace(1, $0)] } + [inner]
  }

  public var attributes: Attributes {
    Attributes().with("transposeA", flag: transposeA).with("transposeB", flag: transposeB)
  }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(transposeA: reader.flag("transposeA"), transposeB: reader.flag("transposeB"))
  }

  public static var samples: [Sample] {
    [(false, false), (true, false), (false, true), (true, true)].map { a, b in
      Sample("matmul\(a ? " aT" : "")\(b ? " bT" : "")") { s in
        let (M, K, N) = (Axis("M", 5), Axis("K", 3), Axis("N", 9))
        let x = s.operand("a", [s.batch] + (a ? [K, M] : [M, K]))
        let y = s.operand("b", [s.batch] + (b ? [N, K] : [K, N]))
        return [s.applyOne(.matmul(Matmul(transposeA: a, transposeB: b)), [x, y])]
      }
    } + [
      Sample("matmul size 1", batch: 1) { s in
        let M = Axis("M", 1)
        return [
          s.applyOne(.matmul(Matmul()), [s.operand("a", [M, M]), s.operand("b", [M, M])])
        ]
      }
    ]
  }
}
