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
  /// is that of something else too.
  fileprivate var ofOneSequence: Graph? {
    guard let symbol = batch.symbols.first, batch == Axis(symbol.name, symbol.size) else {
      return nil
    }
    let isElsewhere = parameters.contains { _, parameter in
      parameter.axes.contains { $0.symbols.contains { $0.name == symbol.name } }
    }
    guard !isElsewhere, let small = try? resized([symbol.name: 1]),
      (try? Verifier.verify(small)) != nil,
      small.parameters.map(\.parameter.axes) == parameters.map(\.parameter.axes)
    else { return nil }
    return small
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
