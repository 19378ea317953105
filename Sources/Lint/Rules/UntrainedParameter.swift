import GraphIR

/// Parameters that change the logits but never get a gradient.
struct UntrainedParameter: RuleDefinition {
  let sentence = "A parameter takes part in the model and never gets a gradient."
  let reason =
    "It stays as it was drawn, apart from decay. Most often it is a router of top(1): "
    + "the softmax over one chosen logit is always 1, whatever the logit."
  let wayOut = "choose two experts or more, or use the logits in another way too"

  func findings(in subject: Subject) -> [Finding] {
    guard let loss = subject.graph[.loss] else { return [] }
    let isTrained = Subject.nodes(of: subject.graph, behind: [loss.node]) {
      slopes(of: subject.graph.nodes[$0], subject.graph)
    }
    return subject.graph.parameters.compactMap { index, parameter in
      let isTrained = isTrained[index] && !subject.withoutGradient.contains(parameter.name)
      guard subject.isUsed[index], !isTrained else { return nil }
      return Finding(index, "the parameter \"\(parameter.name)\" never gets a gradient")
    }
  }

  /// The inputs to which a node can pass a gradient that is not 0 everywhere.
  private func slopes(of node: Node, _ graph: Graph) -> [Value] {
    switch node.op {
    case .pointwise(let pointwise):
      return node.inputs.indices.filter {
        pointwise.expression.derivative(by: $0) != .constant(0)
      }.map { node.inputs[$0] }
    case .softmax:
      return graph.type(of: node.inputs[0]).width > 1 ? node.inputs : []
    case .layerNorm:
      // One number, less its mean, is 0.
      return graph.type(of: node.inputs[0]).width > 1 ? node.inputs : [node.inputs[2]]
    case .attention:
      // The weight of the only position is 1.
      return graph.type(of: node.inputs[0]).axes[1].size > 1 ? node.inputs : [node.inputs[2]]
    case .route:
      return []
    case .dispatch:
      return [node.inputs[0]]
    case .combine:
      return Array(node.inputs.prefix(2))
    case .input, .parameter, .sum, .embedding, .linear, .matmul, .transpose,
      .splitHeads, .mergeHeads, .causalMask, .top, .crossEntropy,
      .embeddingGradient, .linearInputGradient, .linearWeightGradient, .layerNormGradient,
      .softmaxGradient, .attentionGradient, .topGradient, .dispatchGradient, .combineGradient,
      .crossEntropyGradient:
      // Integers among the operands, such as the rows of a route, lead to a node that has none.
      return node.inputs.filter { graph.type(of: $0).element == .f32 }
    }
  }
}
