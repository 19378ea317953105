import GraphIR

extension Pass {
  /// Removes nodes on which no output depends.
  ///
  /// Ensures: every node but parameters, tokens and targets is needed. Those three stay, because they
  /// are what a library's manifest and its functions name, used or not.
  public static let dropUnused = Pass(
    "DropUnused", "removes nodes on which no output depends"
  ) { graph in
    let isNeeded = neededNodes(of: graph)
    var rewriter = Rewriter(graph)
    for index in graph.nodes.indices where isNeeded[index] { rewriter.copy(index) }
    return rewriter.finished()
  }

  private static func neededNodes(of graph: Graph) -> [Bool] {
    var isNeeded = graph.nodes.map(staysUnused)
    for binding in graph.outputs { isNeeded[binding.value.node] = true }
    for index in graph.nodes.indices.reversed() where isNeeded[index] {
      for input in graph.nodes[index].inputs { isNeeded[input.node] = true }
    }
    return isNeeded
  }

  private static func staysUnused(_ node: Node) -> Bool {
    if case .parameter = node.op { return true }
    if case .input(let input) = node.op { return input.kind != .positions }
    return false
  }
}
