import GraphIR

/// A softmax over what is a softmax already: a router's chosen probabilities, or attention's weights.
struct SoftmaxTwice: RuleDefinition {
  let sentence = "A softmax is taken of numbers that come from a softmax."
  let reason =
    "Probabilities lie in 0 ... 1, so that the second softmax makes them nearly equal: no weight is "
    + "more than e times another, and the gradient that comes through both is small."
  let wayOut = "choose from the logits themselves: one softmax does, as in x.top(2).softmax()"

  func findings(in subject: Subject) -> [Finding] {
    subject.usedNodes.compactMap { index, node in
      guard case .softmax = node.op, subject.graph.type(of: node.inputs[0]).width > 1,
        isProbability(node.inputs[0], subject)
      else { return nil }
      return Finding(index, "this is the softmax of what a softmax gave")
    }
  }

  /// Whether a value is what a softmax gave: whole, chosen, masked, turned or dropped out.
  private func isProbability(_ value: Value, _ subject: Subject) -> Bool {
    let node = subject.node(value)
    if case .softmax = node.op { return true }
    var isMoved = node.op.forward?.movesNumbers ?? false
    if case .pointwise(let op) = node.op, case .binary(.multiply, .input(0), .keep) = op.expression
    {
      isMoved = true
    }
    return isMoved && isProbability(node.inputs[0], subject)
  }
}
