/// The gradient of an embedding's table; rows that no id names are 0.
///
///     d_table[v, :] = Σ of dy[n, :] over the n with ids[n] = v
///
///     ids i32[N…]    dy f32[N…, C] -> d_table f32[V, C]
public struct EmbeddingGradient: GradientOperation {
  public static let kind = OpKind.embeddingGradient
  public static let forward = OpKind.embedding
  public static let formula = "d_table[v, :] = sum of dy[n, :] over n with ids[n] = v"

  /// The table's first axis.
  public var entries: Axis

  public init(entries: Axis) { self.entries = entries }

  public func infer(_ inputs: [TensorType]) throws(Mismatch) -> [TensorType] {
    try expectCount("embeddingGradient", inputs, 2)
    try expectInteger("embeddingGradient", inputs[0])
    try expectFloat("embeddingGradient", inputs[1])
    guard let width = inputs[1].axes.last, inputs[1].axes.dropLast() == inputs[0].axes[...] else {
      throw Mismatch("embeddingGradient: ids \(inputs[0]) do not fit dy \(inputs[1])")
    }
    return [TensorType(.f32, [entries, width])]
  }

  public func cost(_ inputs: [TensorType], _ results: [TensorType]) -> Cost {
    Cost(flops: inputs[1].count)
  }

  public var op: Op { .embeddingGradient(self) }
  public var streams: [StreamUse] { [] }
  public func mappingStreams(_ number: (Int) -> Int) -> Self { self }
  public var sortedRows: SortedRows { .refused }
  public var keepsSequencesApart: Bool { false }
  public var rowSums: RowSums { .all(inShares: false) }
  public var lastStep: LastStep { .residual }
  public func operandRoles(_ inputs: [TensorType]) -> [Role] { [.ids, .gradient] }
  public var resultRoles: [Role] { [.table] }
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Self {
    Self(entries: transform(entries))
  }
  public mutating func reach(in pass: inout PassExtents) throws(Mismatch) -> [TensorType] {
    self = mappingAxes(pass.axes.whole)
    return pass.wholeResults
  }
  public func target(ofResult result: Int) -> GradientTarget? { nil }

  public var attributes: Attributes { Attributes().with("entries", .axes([entries])) }

  public init(_ reader: inout AttributeReader) throws(Mismatch) {
    self.init(entries: try reader.axis("entries"))
  }

  /// `Embedding`'s samples have it in their backward graphs.
  public static var samples: [Sample] { [] }
}
