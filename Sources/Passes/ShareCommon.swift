import GraphIR

extension Pass {
  /// Computes equal things once: the same op on the same values in the same phase.
  ///
  /// Random numbers are equal if their streams are. Parameters are never shared: each is itself.
  /// A node shares with one of its own layer only, so that layers stay equal to each other: the first
  /// of them is given what comes from outside, the others are not. Ensures: the same numbers.
  public static let shareCommon = Pass(
    "ShareCommon", "computes equal things once"
  ) { graph in
    var known: [CommonKey: [Value]] = [:]
    var rewriter = Rewriter(graph)
    rewriter.copyAll { index, rewriter in
      let node = graph.nodes[index]
      if case .parameter = node.op { return nil }
      let key = CommonKey(node, node.inputs.map(rewriter.mapped))
      if let values = known[key] { return values }
      rewriter.copy(index)
      let values = graph.results(of: index).map(rewriter.mapped)
      known[key] = values
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
  var layer: LayerPath?

  init(_ node: Node, _ inputs: [Value]) {
    op = node.op
    self.inputs = inputs
    phase = node.phase
    layer = node.layer
  }
}
