import GraphIR

extension Pass {
  /// Lets the loss make the logits of a large vocabulary for itself, part by part, forward and backward: all of them
  /// are in memory only where a caller asks for them.
  ///
  ///     crossEntropy(linear(x, w), targets) -> linearCrossEntropy(x, w, targets)
  ///
  /// Requires: no gradients. Ensures: the same numbers, up to the rounding of sums over the vocabulary; the logits are
  /// what they were, and the loss reads them no more.
  public static func takeLogitsInParts(of part: Int) -> Pass {
    Pass("TakeLogitsInParts", "lets the loss make a large vocabulary's logits part by part") {
      graph in
      var readers: [Value: Int] = [:]
      for value in graph.nodes.flatMap(\.inputs) { readers[value, default: 0] += 1 }
      var rewriter = Rewriter(graph)
      rewriter.copyAll { index, rewriter in
        let node = graph.nodes[index]
        guard case .crossEntropy = node.op, readers[node.inputs[0]] == 1,
          graph.type(of: node.inputs[0]).width > part
        else { return nil }
        let head = graph.nodes[node.inputs[0].node]
        guard case .linear(let linear) = head.op, graph.type(of: head.inputs[0]).experts == nil
        else { return nil }
        let op = LinearCrossEntropy(bias: linear.bias, part: part)
        let inputs = (head.inputs + node.inputs.suffix(1)).map(rewriter.mapped)
        return rewriter.emit(.linearCrossEntropy(op), inputs, for: index)
      }
      return rewriter.finished()
    }
  }
}
