import GraphIR

/// Attention scores scaled by 1 / √C where each head has only D = C / H numbers.
struct AttentionScale: RuleDefinition {
  let sentence = "Attention is scaled by the width of the model instead of the head size."
  let reason = "Products of queries and keys grow with the head size D, so 1 / √D brings them to 1: "
    + "1 / √C makes them smaller, and attention flatter, the more heads there are."
  let wayOut = "scale by 1 / √D, as attention(q, k, v) does"

  func findings(in subject: Subject) -> [Finding] {
    subject.usedNodes.compactMap { index, node in
      switch node.op {
      case .attention(let attention):
        return finding(
          index, scale: attention.scale, heads: attention.heads.size,
          depth: subject.graph.type(of: node.inputs[0]).width / attention.heads.size)
      case .pointwise(let pointwise):
        return written(index, node, pointwise.expression, subject)
      case .input, .parameter, .sum, .embedding, .linear, .matmul, .transpose, .layerNorm,
        .softmax, .splitHeads, .mergeHeads, .causalMask, .top, .route, .dispatch, .combine,
        .crossEntropy, .embeddingGradient, .linearInputGradient, .linearWeightGradient,
        .layerNormGradient, .softmaxGradient, .attentionGradient, .topGradient,
        .dispatchGradient, .combineGradient, .crossEntropyGradient:
        return nil
      }
    }
  }

  /// A number times the product of queries and keys.
  private func written(
    _ index: Int, _ node: Node, _ expression: ScalarExpression, _ subject: Subject
  ) -> Finding? {
    guard case .binary(.multiply, .constant(let scale), .input(0)) = expression,
      case .matmul = subject.node(node.inputs[0]).op,
      let queries = subject.node(node.inputs[0]).inputs.first,
      let heads = subject.graph.type(of: queries).axes.dropFirst().first,
      subject.graph.type(of: queries).axes.count == 4
    else { return nil }
    let depth = subject.graph.type(of: queries).width
    return finding(index, scale: scale, heads: heads.size, depth: depth)
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
