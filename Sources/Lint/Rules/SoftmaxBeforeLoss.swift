import GraphIR

/// A model whose last layer turns logits into probabilities.
struct SoftmaxBeforeLoss: RuleDefinition {
  let sentence = "The model ends with a softmax, and its loss takes another one."
  let reason =
    "The loss is log Σ exp(y) - y[target] of what the model returns: probabilities in "
    + "0 ... 1 can never make it small, and the model hardly learns."
  let wayOut = "return the logits themselves; loss and generation do the rest"

  func findings(in subject: Subject) -> [Finding] {
    guard let logits = subject.graph[.logits], case .softmax = subject.node(logits).op else {
      return []
    }
    return [Finding(logits.node, "the model returns probabilities, and its loss takes logits")]
  }
}
