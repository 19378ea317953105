import GraphIR

/// Parameters that change the logits but never get a gradient.
struct UntrainedParameter: RuleDefinition {
  let sentence = "A parameter takes part in the model and never gets a gradient."
  let reason =
    "It stays as it was drawn, apart from decay. Most often it is a router of top(1): "
    + "the softmax over one chosen logit is always 1, whatever the logit."
  let wayOut = "choose two experts or more, or use the logits in another way too"

  func findings(in subject: Subject) -> [Finding] {
    guard let objective = subject.graph.differentiated else { return [] }
    let isTrained = Subject.nodes(of: subject.graph, behind: [objective.node]) {
      slopes(of: subject.graph.nodes[$0], subject.graph)
    }
    let hasRouter = subject.graph.nodes.contains { if case .top = $0.op { true } else { false } }
    return subject.graph.parameters.compactMap { index, parameter in
      if !parameter.isLearned { return nil }
      let isTrained = isTrained[index] && !subject.withoutGradient.contains(parameter.name)
      guard subject.isUsed[index], !isTrained else { return nil }
      return Finding(
        index, "the parameter \"\(parameter.name)\" never gets a gradient",
        hint: hasRouter ? nil : "let the loss depend on it, or leave it out")
    }
  }

  /// The inputs to which a node can pass a gradient that is not 0 everywhere.
  private func slopes(of node: Node, _ graph: Graph) -> [Value] {
    (node.op.forward?.slopes(node.inputs.map(graph.type(of:))) ?? []).map { node.inputs[$0] }
  }
}
