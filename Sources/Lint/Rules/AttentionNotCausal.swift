import GraphIR

/// Weights of keys for queries that were never masked, and sums over positions that logits read.
struct AttentionNotCausal: RuleDefinition {
  let sentence =
    "Attention weights are not masked, or logits read a sum over positions, so that a token sees those after it."
  let reason =
    "The loss is that of the next token, which the model can then read instead of "
    + "predicting it: the loss falls far, and what it writes makes no sense."
  let wayOut =
    "call .causalMasked() before .softmax(), or use attention(q, k, v); keep sums over positions to auxiliary and states"

  func findings(in subject: Subject) -> [Finding] {
    let comesFromProduct = products(subject.graph)
    let sums = sumsBehindLogits(subject).map {
      Finding($0, "the logits read this sum over positions: a token sees those after it")
    }
    return sums
      + subject.usedNodes.compactMap { index, node in
        guard case .softmax = node.op, subject.graph.context.size > 1,
          isSquare(subject.graph.type(of: node.inputs[0]), subject.graph.context),
          comesFromProduct[node.inputs[0].node]
        else { return nil }
        return Finding(index, "these weights of keys are not masked: a token sees those after it")
      }
  }

  /// Sums that leave out the positions of a text and are not for terms and states alone.
  private func sumsBehindLogits(_ subject: Subject) -> [Int] {
    let (graph, context) = (subject.graph, subject.graph.context)
    guard context.size > 1, let logits = graph[.logits] else { return [] }
    let isBehind = Subject.nodes(of: graph, behind: [logits.node]) { graph.nodes[$0].inputs }
    return graph.nodes.indices.filter { index in
      guard case .sum = graph.nodes[index].op, isBehind[index] else { return false }
      return graph.type(of: graph.nodes[index].inputs[0]).axes.contains(context)
        && !graph.nodes[index].types[0].axes.contains(context)
    }
  }

  private func isSquare(_ type: TensorType, _ context: Axis) -> Bool {
    type.axes.count >= 3 && type.axes.suffix(2) == [context, context]
  }

  /// For each node: whether it is a product of matrices with nothing but elementwise functions after it.
  private func products(_ graph: Graph) -> [Bool] {
    var result: [Bool] = []
    for node in graph.nodes {
      var isProduct = if case .matmul = node.op { true } else { false }
      if case .pointwise = node.op {
        // One masked operand of a sum masks the sum; anything else that is unknown is let be.
        let whole = node.inputs.filter { graph.type(of: $0) == node.types[0] }
        isProduct = !whole.isEmpty && whole.allSatisfy { result[$0.node] }
      }
      result.append(isProduct)
    }
    return result
  }
}
