import GraphIR

/// Capacities so small that an expert may have to drop tokens.
struct CapacityBatch: RuleDefinition {
  let sentence = "Experts drop tokens beyond their capacity, so that outputs depend on the batch."
  let reason =
    "Which tokens are dropped depends on those before them in the batch: the same text "
    + "has other logits beside other texts, and other ones again when it is alone."
  let wayOut = "leave the capacity out: experts then take every token, at no cost in padding"

  func findings(in subject: Subject) -> [Finding] {
    subject.limitedRoutes.compactMap { route in
      if route.rule.perSequence { return nil }
      let capacity = route.capacity(of: subject.batchTokens)
      // An expert sees a token once, so that it never drops any if all tokens have room.
      guard (1..<subject.batchTokens).contains(capacity) else { return nil }
      let dropped =
        route.rule.order == .position
        ? "what comes after its first \(capacity)" : "all but \(capacity)"
      return Finding(
        route.index,
        "an expert drops \(dropped) of \(subject.batchTokens) tokens, "
          + "so that a text's output depends on the texts beside it")
    }
  }
}
