import GraphIR

/// `parameter(…)` whose tensor is used by nothing.
struct UnusedParameter: RuleDefinition {
  let sentence = "A parameter is made and used by nothing."
  let reason =
    "It takes memory and a place in every weights file, never gets a gradient, and "
    + "decays to 0."
  let wayOut = "use it or remove it"

  func findings(in subject: Subject) -> [Finding] {
    let counts = subject.graph.useCounts
    return subject.graph.parameters.compactMap { index, parameter in
      // A state that nothing reads is kept to be looked at.
      guard !parameter.isState, counts[Value(node: index)] == nil else { return nil }
      return Finding(index, "the parameter \"\(parameter.name)\" is used by nothing")
    }
  }
}
