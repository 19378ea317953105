import GraphIR

extension Layer {
  /// Floating-point operations of one use in a phase: over all uses, those of the graph.
  public func flops(_ phase: Phase) -> Int {
    (phase == .forward ? forward : backward).reduce(0) { $0 + $1.cost.flops }
  }
}

extension Plan {
  /// What the optimizer updates, without states.
  public var learnedParameters: [PlannedParameter] { parameters.filter { !$0.isState } }

  /// Parameters that one token uses: of stacked weights only its chosen experts'.
  public var activeParameters: Int {
    let chosen = graph.nodes.compactMap { node -> (experts: Int, chosen: Int)? in
      guard case .route(let route) = node.op else { return nil }
      return (route.experts.size, graph.type(of: node.inputs[0]).width)
    }
    return learnedParameters.reduce(0) { sum, parameter in
      guard parameter.stepCount > 1,
        let routing = chosen.first(where: { $0.experts == parameter.stepCount })
      else { return sum + parameter.type.count }
      return sum + parameter.type.count / routing.experts * routing.chosen
    }
  }
}
