import GraphIR

extension Layer {
  /// Floating-point operations of one use in a phase of training: over all uses, those of the graph that it makes.
  public func flops(_ phase: Phase) -> Int {
    (phase == .forward ? forward : backward).reduce(0) {
      $1.purpose == .logits ? $0 : $0 + $1.cost.flops
    }
  }
}

extension Plan {
  /// All parameters but states.
  public var learnedParameters: [PlannedParameter] { parameters.filter { $0.update != .rule } }

  /// Parameters that one token uses: of stacked weights only its chosen experts'.
  public var activeParameters: Int { active.reduce(0) { $0 + $1.count } }

  /// Bytes of these, as products read them.
  public var activeBytes: Int {
    active.reduce(0) { $0 + $1.count * ($1.parameter.working ?? $1.parameter.master).element.bytes }
  }

  /// The learned parameters, and how many numbers of each one token uses.
  private var active: [(parameter: PlannedParameter, count: Int)] {
    let chosen = graph.nodes.compactMap { node -> (experts: Int, chosen: Int)? in
      guard case .route(let route) = node.op else { return nil }
      return (route.experts.size, graph.type(of: node.inputs[0]).width)
    }
    return learnedParameters.map { parameter in
      guard parameter.stepCount > 1,
        let routing = chosen.first(where: { $0.experts == parameter.stepCount })
      else { return (parameter, parameter.type.count) }
      return (parameter, parameter.type.count / routing.experts * routing.chosen)
    }
  }
}
