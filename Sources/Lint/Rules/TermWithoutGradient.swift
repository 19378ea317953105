import GraphIR

/// Terms beside the loss that nothing can learn from.
struct TermWithoutGradient: RuleDefinition {
  let sentence = "A term beside the loss has no gradient, or none for the router that it is about."
  let reason =
    "How many tokens chose an expert has no slope: a loss of such counts alone is reported and changes "
    + "nothing. What is multiplied with them must come from the router's logits, through a softmax."
  let wayOut =
    "multiply the shares of choices with the mean of logits.softmax(), as .balanced(0.01) does"

  func findings(in subject: Subject) -> [Finding] {
    subject.graph.terms.filter { $0.weight != 0 }.compactMap { term in
      let node = term.value.node
      let word = "the term \"\(term.name)\""
      let isReached = subject.reached(from: node, bySlope: true)
      if !subject.graph.parameters.contains(where: { isReached[$0.node] && !$0.parameter.isState })
      {
        return Finding(node, "\(word) has no gradient: nothing is learned from it")
      }
      let routers = subject.routers(behind: node)
      guard !routers.isEmpty, !routers.contains(where: { isReached[$0] }) else { return nil }
      return Finding(
        node,
        "\(word) depends on a choice of experts, and its gradient reaches no part of the router")
    }
  }
}

extension Subject {
  /// The nodes that a node depends on, or to which it has a slope.
  fileprivate func reached(from node: Int, bySlope: Bool) -> [Bool] {
    Self.nodes(of: graph, behind: [node]) { index in
      let node = graph.nodes[index]
      guard bySlope else { return node.inputs }
      return (node.op.forward?.slopes(node.inputs.map(graph.type(of:))) ?? []).map {
        node.inputs[$0]
      }
    }
  }

  /// The products, or parameters, that made the scores of all choices of experts that a node depends on.
  fileprivate func routers(behind node: Int) -> Set<Int> {
    let isBehind = reached(from: node, bySlope: false)
    let choices = graph.nodes.indices.filter { index in
      guard isBehind[index], case .top = graph.nodes[index].op else { return false }
      let choice = Value(node: index, result: 1)
      return graph.nodes.indices.contains {
        isBehind[$0] && graph.nodes[$0].inputs.contains(choice)
      }
    }
    return choices.reduce(into: []) { $0.formUnion(sources(of: graph.nodes[$1].inputs[0])) }
  }

  /// The nearest products and parameters that a value is made of.
  private func sources(of value: Value) -> Set<Int> {
    let node = node(value)
    if case .linear = node.op { return [value.node] }
    if case .parameter(let parameter) = node.op { return parameter.isState ? [] : [value.node] }
    return node.inputs.reduce(into: []) { $0.formUnion(sources(of: $1)) }
  }
}
