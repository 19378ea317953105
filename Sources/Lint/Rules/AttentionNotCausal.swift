import GraphIR

/// Weights of keys for queries that were never masked.
struct AttentionNotCausal: RuleDefinition {
  let sentence = "Attention weights are not masked, so that a token sees those after it."
  let reason =
    "The loss is that of the next token, which the model can then read instead of "
    + "predicting it: the loss falls far, and what it writes makes no sense."
  let wayOut = "call .causalMasked() before .softmax(), or use attention(q, k, v)"

  func findings(in subject: Subject) -> [Finding] {
    subject.usedNodes.compactMap { index, node in
      guard case .softmax = node.op, subject.graph.context.size > 1,
        isSquare(subject.graph.type(of: node.inputs[0]), subject.graph.context),
        comesFromProduct(node.inputs[0], subject)
      else { return nil }
      return Finding(index, "these weights of keys are not masked: a token sees those after it")
    }
  }

  private func isSquare(_ type: TensorType, _ context: Axis) -> Bool {
    type.axes.count >= 3 && type.axes.suffix(2) == [context, context]
  }

  /// Whether the scores are a product of matrices with nothing but elementwise functions after it.
  private func comesFromProduct(_ scores: Value, _ subject: Subject) -> Bool {
    let node = subject.node(scores)
    if case .matmul = node.op { return true }
    guard case .pointwise = node.op else { return false }
    let type = subject.graph.type(of: scores)
    let whole = node.inputs.filter { subject.graph.type(of: $0) == type }
    // One masked operand of a sum masks the sum; anything else that is unknown is let be.
    return !whole.isEmpty && whole.allSatisfy { comesFromProduct($0, subject) }
  }
}
