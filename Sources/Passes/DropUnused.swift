import GraphIR

extension Pass {
  /// Removes nodes on which no output depends.
  ///
  /// Ensures: every node but parameters, tokens and targets is needed. Those three stay, because they
  /// are what a library's manifest and its functions name, used or not.
  public static let dropUnused = Pass(
    "DropUnused", "removes nodes on which no output depends"
  ) { graph in
    var rewriter = Rewriter(graph)
    for (index, isNeeded) in graph.neededNodes.enumerated()
    where isNeeded || staysUnused(graph.nodes[index]) {
      rewriter.copy(index)
    }
    return rewriter.finished()
  }

  private static func staysUnused(_ node: Node) -> Bool {
    if case .parameter = node.op { return true }
    if case .input(let input) = node.op { return input.kind != .positions }
    return false
  }
}
