import GraphIR

extension Pass {
  /// Computes equal things once: the same op on the same values in the same phase.
  ///
  /// Random numbers are equal if their streams are. Parameters are never shared: each is itself.
  /// A node shares with one of its own layer or one outside of all layers, so that layers stay
  /// equal to each other. Ensures: the same numbers.
  public static let shareCommon = Pass(
    "ShareCommon", "computes equal things once"
  ) { graph in
    var known: [CommonKey: [Value]] = [:]
    var rewriter = Rewriter(graph)
    rewriter.copyAll { index, rewriter in
      let node = graph.nodes[index]
      if case .parameter = node.op { return nil }
      var key = CommonKey(node, node.inputs.map(rewriter.mapped))
      if let values = known[key] { return values }
      let own = key
      key.layer = nil
      if let values = known[key] { return values }
      rewriter.copy(index)
      let values = graph.results(of: index).map(rewriter.mapped)
      known[own] = values
      return values
    }
    return rewriter.finished()
  }
}

/// What makes two nodes equal.
private struct CommonKey: Hashable {
  var op: Op
  var inputs: [Value]
  var phase: Phase
  var layer: Substring?

  init(_ node: Node, _ inputs: [Value]) {
    op = node.op
    self.inputs = inputs
    phase = node.phase
    layer = node.layer
  }
}
