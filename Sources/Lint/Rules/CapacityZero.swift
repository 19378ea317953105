import GraphIR

/// Short texts for which int(tokens · K / E · factor) is 0.
struct CapacityZero: RuleDefinition {
  let sentence = "The capacity of an expert is 0 for short texts."
  let reason =
    "Every token is then dropped by every expert: what is left is the residual alone, "
    + "and the first tokens that a model writes are written without its mixtures."
  let wayOut = "leave the capacity out, or raise it to E / K, with which one token has room"

  func findings(in subject: Subject) -> [Finding] {
    let context = subject.graph.context.size
    return subject.limitedRoutes.compactMap { route in
      // Nothing left even in a whole batch is for `UnreachableExperts` to say.
      guard route.capacity(of: 1) == 0, route.capacity(of: subject.batchTokens) > 0,
        let last = (1...context).last(where: { route.capacity(of: $0) == 0 })
      else { return nil }
      let texts = last == 1 ? "a text of 1 token" : "texts of up to \(last) tokens"
      return Finding(
        route.index, "the capacity of an expert is 0 for \(texts): all of them are dropped",
        hint: "leave the capacity out, or make it \(number(route)) or more")
    }
  }

  /// E / K, rounded up to two digits after the point.
  private func number(_ route: Subject.LimitedRoute) -> String {
    let least = (Double(route.experts) / Double(route.chosen) * 100).rounded(.up) / 100
    return least == least.rounded() ? "\(Int(least))" : "\(least)"
  }
}
