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

extension ScalarExpression {
  /// What it is when dropout is off.
  var inEvaluation: ScalarExpression { keepingAll.simplified }

  private var keepingAll: ScalarExpression {
    switch self {
    case .keep: .constant(1)
    case .input, .constant, .normal: self
    case .unary(let function, let a): .unary(function, a.keepingAll)
    case .binary(let function, let a, let b): .binary(function, a.keepingAll, b.keepingAll)
    }
  }

  var drawsNormal: Bool {
    var isFound = false
    visit { if case .normal = $0 { isFound = true } }
    return isFound
  }
}
