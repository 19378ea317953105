/// Rows of a table, by number.
///
///     y[n, :] = table[ids[n], :]    ids i32[N…]    table f32[V, C] -> y f32[N…, C]
///
/// Gradient: d_table[v, :] = Σ of dy[n, :] over the n with ids[n] = v; backward reads the ids.
public struct Embedding: ForwardOperation {
  public static let kind = OpKind.embedding
  public static let formula = "y[n, :] = table[ids[n], :]"

  public init() {}

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("embedding", inputs, 2)
    try expectInteger("embedding", inputs[0])
    try expectFloat("embedding", inputs[1])
    guard inputs[1].axes.count == 2 else {
      throw Mismatch("embedding: expected a table [entries, width], got \(inputs[1])")
    }
    return [TensorType(.f32, inputs[0].axes + [inputs[1].axes[1]])]
  }

  public func gradient(_ node: GradientSite, _ g: inout GraphBuilder) -> [Value?] {
    guard let dy = node.dy else { return [nil, nil] }
    let entries = g.type(of: node.inputs[1]).axes[0]
    return [
      nil,
      g.emitOne(.embeddingGradient(EmbeddingGradient(entries: entries)), [node.inputs[0], dy]),
    ]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost { .none }

  public var op: Op { .embedding(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { true }
  public var rowSums: RowSums { .none }
  public var lastStep: LastStep { .none }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.ids, .table] }
  public var resultRoles: [Role] { [.output] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self { self }
  public func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    try pass.demandWhole(
      pass.inputs[1].axes[0], "embedding", "the table has a row for each of",
      hint: "make it a parameter")
    return try infer(pass.inputs)
  }
  public var resultNames: [String] { [""] }
  public var gradientFormulas: [String] { [EmbeddingGradient.formula] }
  public func slopes(_ inputs: [TensorType]) -> [Int] { [1] }
  public func use(ofParameter operand: Int) -> ParameterUse { .role(.embedding) }
  public var rowOperands: [Int] { [0] }
  public var movesNumbers: Bool { false }
  public func positions(_ inputs: [TensorType]) -> PositionRule {
    .apartUnless(inputs[1].axes, PositionRule.joins)
  }
  public func meetings(_ inputs: [TensorType]) -> [AxisMeeting] { [] }

  public var attributes: Attributes { Attributes() }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {}

  public static var samples: [Sample] {
    [1, 6, 33].map { width in
      Sample("embedding width \(width)") { s in
        let table = s.operand("table", [s.vocabulary, Axis("C", width)])
        let tokens = s.tokens()
        return [s.applyOne(.embedding(Embedding()), [tokens, table])]
      }
    }
  }
}
