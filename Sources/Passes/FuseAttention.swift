import GraphIR

extension Pass {
  /// Makes one `attention` of scores, mask, softmax, dropout and the product with the values.
  ///
  ///     matmul(dropout(softmax(causalMask(scale · matmul(q, kᵀ)))), v)
  ///       -> splitHeads(attention(mergeHeads(q), mergeHeads(k), mergeHeads(v)))
  ///
  /// Requires: no gradients yet, since they would read what disappears. Ensures: the same numbers;
  /// dropout's element number in [B, H, T, T] is the same in both forms. Scale and dropout may be
  /// absent; nothing else may use a value between the two products, which lie in one layer; what attends
  /// are the positions of a text.
  public static let fuseAttention = Pass(
    "FuseAttention", "makes one attention of products, mask, softmax and dropout"
  ) { graph in
    let uses = graph.neededUseCounts
    var rewriter = Rewriter(graph)
    rewriter.copyAll { index, rewriter in
      guard let match = AttentionMatch(index, in: graph, uses) else { return nil }
      return [match.emit(into: &rewriter, for: index)]
    }
    return rewriter.finished()
  }
}

/// The chain that ends in one matmul, read backward.
private struct AttentionMatch {
  private let graph: Graph
  private let uses: [Value: Int]
  private let layer: LayerPath?
  private(set) var queries = Value(node: 0)
  private(set) var keys = Value(node: 0)
  private(set) var values = Value(node: 0)
  private(set) var softmax = 0
  private(set) var scale = 1.0
  private(set) var rate = 0.0
  private(set) var stream = 0

  init?(_ index: Int, in graph: Graph, _ uses: [Value: Int]) {
    self.graph = graph
    self.uses = uses
    let product = graph.nodes[index]
    layer = product.layer
    guard case .matmul(Matmul(transposeA: false, transposeB: false)) = product.op,
      product.phase == .forward, matchWeights(product.inputs[0])
    else { return nil }
    values = product.inputs[1]
    let types = [queries, keys, values].map(graph.type(of:))
    // Heads are as wide as they are in a text of any length: what attends must be positions.
    guard types[0].axes.count == 4, types[0].axes[2] == graph.context,
      types[0] == types[1], types[0] == types[2]
    else { return nil }
  }

  /// dropout(softmax(causalMask(…)))
  private mutating func matchWeights(_ value: Value) -> Bool {
    guard var node = onlyUse(value) else { return false }
    if case .pointwise(let op) = node.op {
      guard let dropout = Self.dropout(op.expression), node.inputs.count == 1,
        let inner = onlyUse(node.inputs[0])
      else { return false }
      (stream, rate) = dropout
      softmax = node.inputs[0].node
      node = inner
    } else {
      softmax = value.node
    }
    guard case .softmax = node.op, let mask = onlyUse(node.inputs[0]),
      case .causalMask(CausalMask(.minusInfinity)) = mask.op
    else { return false }
    return matchScores(mask.inputs[0])
  }

  /// scale · matmul(q, kᵀ)
  private mutating func matchScores(_ value: Value) -> Bool {
    guard var node = onlyUse(value) else { return false }
    if case .pointwise(let op) = node.op {
      guard let factor = Self.factor(op.expression), node.inputs.count == 1,
        let inner = onlyUse(node.inputs[0])
      else { return false }
      scale = factor
      node = inner
    }
    guard case .matmul(let product) = node.op, !product.transposeA else { return false }
    queries = node.inputs[0]
    if product.transposeB {
      keys = node.inputs[1]
      return true
    }
    let transposed = graph.nodes[node.inputs[1].node]
    guard case .transpose = transposed.op else { return false }
    keys = transposed.inputs[0]
    return true
  }

  /// The node of a value that has one use, in the layer that makes it.
  private func onlyUse(_ value: Value) -> Node? {
    let node = graph.nodes[value.node]
    return uses[value] == 1 && node.layer == layer ? node : nil
  }

  private static func dropout(_ expression: ScalarExpression) -> (stream: Int, rate: Double)? {
    switch expression {
    case .binary(.multiply, .input(0), .keep(let stream, let rate)),
      .binary(.multiply, .keep(let stream, let rate), .input(0)):
      (stream, rate)
    case .input, .constant, .unary, .binary, .normal, .keep: nil
    }
  }

  private static func factor(_ expression: ScalarExpression) -> Double? {
    switch expression {
    case .binary(.multiply, .constant(let factor), .input(0)),
      .binary(.multiply, .input(0), .constant(let factor)):
      factor
    case .binary(.divide, .input(0), .constant(let divisor)): 1 / divisor
    case .unary(.negate, .input(0)): -1
    case .input, .constant, .unary, .binary, .normal, .keep: nil
    }
  }

  /// Emits the fused form at the softmax's place in the source; what it replaces stays unused.
  func emit(into rewriter: inout Rewriter, for index: Int) -> Value {
    let axes = graph.type(of: queries).axes
    let width = mergedAxis
    let merged = [queries, keys, values].map { value in
      Self.merged(rewriter.mapped(value), width, &rewriter, for: index)
    }
    let op = Attention(heads: axes[1], scale: scale, rate: rate, stream: stream)
    let y = rewriter.emit(.attention(op), merged, for: softmax)[0]
    let split = SplitHeads(heads: axes[1], depth: axes[3])
    return rewriter.emit(.splitHeads(split), [y], for: index)[0]
  }

  /// The axis that the queries were cut from, or the product of heads and depth.
  private var mergedAxis: Axis {
    let origin = graph.nodes[queries.node]
    if case .splitHeads = origin.op { return graph.type(of: origin.inputs[0]).axes[2] }
    let axes = graph.type(of: queries).axes
    return axes[1] * axes[3]
  }

  /// The heads side by side: as they were before they were cut, where that is all that happened.
  private static func merged(
    _ value: Value, _ width: Axis, _ rewriter: inout Rewriter, for index: Int
  ) -> Value {
    let reader = rewriter.source.nodes[index]
    if let origin = rewriter.neighbour(of: reader, value), case .splitHeads = origin.op,
      rewriter.type(of: origin.inputs[0]).axes[2] == width
    {
      return origin.inputs[0]
    }
    return rewriter.emit(.mergeHeads(MergeHeads(width: width)), [value], for: index)[0]
  }
}
