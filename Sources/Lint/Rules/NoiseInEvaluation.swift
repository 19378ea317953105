import GraphIR

/// Random numbers that evaluation and generation draw too.
struct NoiseInEvaluation: RuleDefinition {
  let sentence = "Random noise stays on in evaluation and generation."
  let reason =
    "Losses of the same weights on the same text differ by the seed, and a text that is "
    + "generated depends on two kinds of chance instead of one."
  let wayOut = "use .normal(like: x, inEvaluation: false), which is 0 outside training"

  func findings(in subject: Subject) -> [Finding] {
    subject.usedNodes.compactMap { index, node in
      guard case .pointwise(let pointwise) = node.op,
        pointwise.expression.inEvaluation.drawsNormal
      else { return nil }
      return Finding(
        index, "the noise stays on in evaluation and generation, whose results depend on the seed")
    }
  }
}
