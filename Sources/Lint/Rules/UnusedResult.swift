import GraphIR

/// The end of a computation that never reaches the logits.
struct UnusedResult: RuleDefinition {
  let sentence = "A layer or function is called, and its result is used by nothing."
  let reason =
    "It is left out of the compiled model together with all that only it needs; the "
    + "parameters made for it stay, and are never trained."
  let wayOut = "use the result or remove the call"

  func findings(in subject: Subject) -> [Finding] {
    let counts = subject.graph.useCounts
    return subject.graph.nodes.indices.compactMap { index in
      let node = subject.graph.nodes[index]
      let isLast = subject.graph.results(of: index).allSatisfy { counts[$0] == nil }
      // Inputs are made for every model; parameters have a rule of their own.
      guard isLast, !node.inputs.isEmpty else { return nil }
      let place = node.scope.isEmpty ? "" : " in \(node.scope)"
      let parameters = onlyFor(index, subject)
      let list = parameters.isEmpty ? "" : ", for which \(listed(parameters)) made"
      return Finding(index, "nothing uses this result\(place)\(list)")
    }
  }

  /// Parameters that the result needs and no output does.
  private func onlyFor(_ index: Int, _ subject: Subject) -> [String] {
    var behind: Set<Int> = [index]
    var next = [index]
    while let node = next.popLast() {
      for input in subject.graph.nodes[node].inputs
      where !subject.isUsed[input.node] && behind.insert(input.node).inserted {
        next.append(input.node)
      }
    }
    return behind.sorted().compactMap { node in
      if case .parameter(let parameter) = subject.graph.nodes[node].op {
        parameter.name
      } else {
        nil
      }
    }
  }

  private func listed(_ names: [String]) -> String {
    if names.count == 1 { return "the parameter \(names[0]) is" }
    return "\(names.count) parameters such as \(names[0]) are"
  }
}
