import GraphIR

/// Attention scores scaled by 1 / √C where each head has only D = C / H numbers.
struct AttentionScale: RuleDefinition {
  let sentence = "Attention is scaled by the width of the model instead of the head size."
  let reason =
    "Products of queries and keys grow with the head size D, so 1 / √D brings them to 1: "
    + "1 / √C makes them smaller, and attention flatter, the more heads there are."
  let wayOut = "scale by 1 / √D, as attention(q, k, v) does"

  func findings(in subject: Subject) -> [Finding] {
    subject.usedNodes.compactMap { index, node in
      if case .pointwise(let pointwise) = node.op {
        return written(index, node, pointwise.expression, subject)
      }
      guard case .attention(let attention) = node.op else { return nil }
      return finding(
        index, scale: attention.scale, heads: attention.heads.size,
        depth: subject.graph.type(of: node.inputs[0]).width / attention.heads.size)
    }
  }

  /// A number times the product of queries and keys, or times one of them.
  private func written(
    _ index: Int, _ node: Node, _ expression: ScalarExpression, _ subject: Subject
  ) -> Finding? {
    guard case .binary(.multiply, .constant(let scale), .input(0)) = expression,
      let type = headsBehind(node.inputs[0], subject)
    else { return nil }
    return finding(index, scale: scale, heads: type.axes[1].size, depth: type.width)
  }

  /// The type [B, H, T, D] of what is scaled, or of the queries if it is their product with keys.
  private func headsBehind(_ value: Value, _ subject: Subject) -> TensorType? {
    let node = subject.node(value)
    if case .splitHeads = node.op { return subject.graph.type(of: value) }
    guard case .matmul = node.op else { return nil }
    let type = subject.graph.type(of: node.inputs[0])
    return type.axes.count == 4 ? type : nil
  }

  private func finding(_ index: Int, scale: Double, heads: Int, depth: Int) -> Finding? {
    let width = heads * depth
    guard heads > 1, abs(scale * Double(width).squareRoot() - 1) < 1e-6 else { return nil }
    return Finding(
      index,
      "attention is scaled by 1/√\(width), the width, although a head has \(depth) numbers",
      hint: "scale by 1/√\(depth), as attention(q, k, v) does")
  }
}
