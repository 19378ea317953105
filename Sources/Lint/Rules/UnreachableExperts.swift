import GraphIR

/// Experts that no token can come to.
struct UnreachableExperts: RuleDefinition {
  let sentence = "Some experts never get a token."
  let reason =
    "Their parameters are dead weight: an expert without tokens has no gradient, so it "
    + "cannot come to be chosen by training either."
  let wayOut = "compute the router's logits from the tokens, with weights that do not begin as 0"

  func findings(in subject: Subject) -> [Finding] { closed(subject) + constant(subject) }

  /// Capacities of 0, even for a whole batch.
  private func closed(_ subject: Subject) -> [Finding] {
    subject.limitedRoutes.filter { $0.capacity(of: subject.batchTokens) == 0 }.map { route in
      let least = Double(route.experts) / Double(subject.batchTokens * route.chosen)
      return Finding(
        route.index, "the capacity of an expert is 0: no expert ever takes a token",
        hint: "leave the capacity out, or make it at least \(least)")
    }
  }

  /// Routers that choose the same experts for every token.
  private func constant(_ subject: Subject) -> [Finding] {
    let varies = Variation(subject.graph).varies
    return subject.usedNodes.compactMap { index, node in
      guard case .top(let top) = node.op, !varies[node.inputs[0].node] else { return nil }
      let experts = subject.graph.type(of: node.inputs[0]).width
      guard top.chosen.size < experts else { return nil }
      return Finding(
        index,
        "the logits begin the same for every token: all go to the same \(top.chosen.size) of "
          + "\(experts) experts")
    }
  }
}

/// Which values differ from token to token before the first step.
private struct Variation {
  let graph: Graph
  private(set) var varies: [Bool] = []

  init(_ graph: Graph) {
    self.graph = graph
    for node in graph.nodes { varies.append(differs(node)) }
  }

  private func differs(_ node: Node) -> Bool {
    if case .input = node.op { return true }
    // A tensor with axes of tokens has other numbers for each.
    if case .parameter(let parameter) = node.op {
      return parameter.axes.count > 1 && constant(parameter.initializer) == nil
    }
    if case .pointwise(let op) = node.op, op.expression.drawsNormal { return true }
    if case .linear = node.op, constant(node.inputs[1]) == 0 { return false }
    if case .embedding = node.op, constant(node.inputs[1]) != nil { return false }
    return (node.op.forward?.rowOperands ?? []).contains { varies[node.inputs[$0].node] }
  }

  /// The number that all elements of a parameter begin with.
  private func constant(_ value: Value) -> Double? {
    guard case .parameter(let parameter) = graph.nodes[value.node].op else { return nil }
    return constant(parameter.initializer)
  }

  private func constant(_ initializer: Initializer) -> Double? {
    switch initializer.distribution {
    case .constant(let number): number
    case .normal(let spread), .uniform(let spread): spread == 0 ? 0 : nil
    }
  }
}
