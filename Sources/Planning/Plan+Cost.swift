import GraphIR

extension Graph {
  /// Floating-point operations of all nodes of a phase, at the full batch.
  public func flops(_ phase: Phase) -> Int {
    nodes.filter { $0.phase == phase }.reduce(0) { sum, node in
      sum + node.op.operation.cost(node.inputs.map(type(of:)), node.types).flops
    }
  }
}

extension Plan {
  /// Parameters that one token uses: of stacked weights only its chosen experts'.
  public var activeParameters: Int {
    let chosen = graph.nodes.compactMap { node -> (experts: Int, chosen: Int)? in
      guard case .route(let route) = node.op else { return nil }
      return (route.experts.size, graph.type(of: node.inputs[0]).width)
    }
    return parameters.reduce(0) { sum, parameter in
      guard parameter.stepCount > 1,
        let routing = chosen.first(where: { $0.experts == parameter.stepCount })
      else { return sum + parameter.type.count }
      return sum + parameter.type.count / routing.experts * routing.chosen
    }
  }
}
