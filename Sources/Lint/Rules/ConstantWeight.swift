import GraphIR

/// Routers of one expert whose weight is divided by itself.
struct ConstantWeight: RuleDefinition {
  let sentence = "The weight of the only expert is divided by itself, and is always the same."
  let reason =
    "What the router's logits are then makes no difference to the result: it gets no gradient that is more "
    + "than rounding, and stays as it began."
  let wayOut = "use the score itself, as Switch does: logits.softmax().top(1).weights()"

  func findings(in subject: Subject) -> [Finding] {
    subject.usedNodes.compactMap { index, node in
      guard case .pointwise(let op) = node.op, node.types[0].width == 1, node.inputs.count == 2,
        isChosen(node.inputs[0], subject), case .sum = subject.node(node.inputs[1]).op,
        subject.node(node.inputs[1]).inputs == [node.inputs[0]], divides(op.expression)
      else { return nil }
      return Finding(
        index,
        "the weight of the one expert that is chosen is divided by itself: it is always the same")
    }
  }

  private func isChosen(_ value: Value, _ subject: Subject) -> Bool {
    [.top, .gather].contains(subject.node(value).op.kind)
  }

  private func divides(_ expression: ScalarExpression) -> Bool {
    var isFound = false
    expression.visit { part in
      if case .binary(.divide, .input(0), _) = part { isFound = true }
    }
    return isFound
  }
}
