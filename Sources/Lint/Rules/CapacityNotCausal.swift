import GraphIR

/// Capacities where a token makes room for a later one.
struct CapacityNotCausal: RuleDefinition {
  let sentence = "An expert drops a token for the sake of a later one."
  let reason =
    "Whether a token keeps its expert then depends on what follows it in the text, which a model that "
    + "writes does not have yet: it is trained on what it cannot know."
  let wayOut = "keep tokens by position, or leave the capacity out"

  func findings(in subject: Subject) -> [Finding] {
    subject.limitedRoutes.compactMap { route in
      let tokens = route.rule.perSequence ? subject.graph.context.size : subject.batchTokens
      guard route.rule.order != .position, route.capacity(of: tokens) < tokens else { return nil }
      // Where each token has one choice, all are first ones.
      if route.rule.order == .choice, route.chosen == 1 { return nil }
      let what = route.rule.order == .weight ? "the largest weights" : "first choices"
      return Finding(
        route.index,
        "an expert keeps tokens with \(what), so that a token's output depends on those after it")
    }
  }
}
