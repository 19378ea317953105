import GraphIR

/// Norms of heads behind the rotation by position.
struct NormAfterRotary: RuleDefinition {
  let sentence =
    "Queries or keys are normalised with learned weights after they are turned by position."
  let reason =
    "The weights then scale numbers that the rotation has mixed, so that scores depend on where a token is "
    + "and not only on how far; Qwen3 and OLMoE normalise first."
  let wayOut = "normalise before .rotary(), or after it without a name, which has no weights"

  func findings(in subject: Subject) -> [Finding] {
    subject.usedNodes.compactMap { index, node in
      guard case .rmsNorm(let op) = node.op, op.weight, isTurned(node.inputs[0], subject) else {
        return nil
      }
      return Finding(index, "this norm has weights and comes after the rotation by position")
    }
  }

  /// Whether a value is what `rotary` gave, with heads apart or side by side.
  private func isTurned(_ value: Value, _ subject: Subject) -> Bool {
    let node = subject.node(value)
    if case .rotary = node.op { return true }
    return node.op.forward?.movesNumbers == true && isTurned(node.inputs[0], subject)
  }
}
