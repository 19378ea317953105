import GraphIR

extension Pass {
  /// Leaves of a model what its logits need in evaluation: for libraries that learn nothing.
  ///
  /// Ensures: the logits are the only output; nothing is dropped, and what rules update is a parameter
  /// like others.
  public static let keepLogits = Pass(
    "KeepLogits", "keeps the logits alone, as evaluation computes them", isRequired: true
  ) { (graph) throws(Diagnostic) in
    guard let logits = graph[.logits] else {
      throw Diagnostic(at: nil, "the model has no logits, and --inference keeps nothing else")
    }
    var graph = graph
    for index in graph.nodes.indices { graph.nodes[index].op = graph.nodes[index].op.inEvaluation }
    graph.outputs = [.init(.logits, logits)]
    return graph.ofOneSequence ?? graph
  }
}

extension Graph {
  /// The graph for one sequence at a time, which is all that logits are asked for; nil where the batch's axis
  /// is that of something else too: of the context, of parameters, of choices or heads.
  fileprivate var ofOneSequence: Graph? {
    guard let symbol = batch.symbols.first, batch == Axis(symbol.name, symbol.size),
      let small = try? resized([symbol.name: 1]), (try? Verifier.verify(small)) != nil,
      small.context == context, small.vocabulary == vocabulary,
      zip(small.nodes, nodes).allSatisfy({ $0.op.isOneSequences(of: $1.op) })
    else { return nil }
    return small
  }
}

extension Op {
  /// Whether the op is another one's but for the batch in tensors that begin with it.
  fileprivate func isOneSequences(of other: Op) -> Bool {
    if case (.input(let op), .input(let whole)) = (self, other) { return op.kind == whole.kind }
    if case (.sum(let op), .sum(let whole)) = (self, other) {
      return op.axes.dropFirst() == whole.axes.dropFirst()
    }
    return self == other
  }
}

extension Op {
  /// The op as evaluation has it; a parameter without its rule.
  fileprivate var inEvaluation: Op {
    if case .pointwise(let op) = self {
      return .pointwise(Pointwise(op.expression.inEvaluation))
    }
    if case .attention(var op) = self {
      (op.rate, op.stream) = (0, 0)
      return .attention(op)
    }
    if case .parameter(var op) = self {
      (op.isState, op.signStep) = (false, nil)
      return .parameter(op)
    }
    return self
  }
}

extension ScalarExpression {
  /// Without dropout.
  fileprivate var inEvaluation: ScalarExpression {
    switch self {
    case .keep: .constant(1)
    case .input, .constant, .normal: self
    case .unary(let function, let a): .unary(function, a.inEvaluation)
    case .binary(let function, let a, let b): .binary(function, a.inEvaluation, b.inEvaluation)
    }
  }
}
