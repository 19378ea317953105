import Words

extension Graph {
  /// The graph with the parameters frozen that patterns fit, and the patterns that fit none; states go on
  /// by their rules.
  public func frozen(
    _ patterns: [ParameterPattern]
  ) -> (graph: Graph, unfit: [ParameterPattern]) {
    var graph = self
    var unfit = Set(patterns)
    for (index, parameter) in parameters where !parameter.isState {
      let fitting = patterns.filter { $0.fits(parameter.name) }
      guard !fitting.isEmpty else { continue }
      unfit.subtract(fitting)
      var frozen = parameter
      frozen.isFrozen = true
      graph.nodes[index].op = .parameter(frozen)
    }
    return (graph, patterns.filter(unfit.contains))
  }

  /// The graph with everything in it learning that can.
  public var thawed: Graph {
    var graph = self
    for (index, parameter) in parameters where parameter.isFrozen {
      var thawed = parameter
      thawed.isFrozen = false
      graph.nodes[index].op = .parameter(thawed)
    }
    return graph
  }

  /// What a pattern of an option fits nothing of, and what there is.
  public func noSuchParameter(
    _ pattern: ParameterPattern, _ option: String, at location: SourceLocation? = nil
  ) -> Diagnostic {
    let names = parameters.filter { !$0.parameter.isState }.map(\.parameter.name)
    return Diagnostic(
      at: location, "\(option) \(pattern.text.quoted): \(name) has no such parameter",
      hint: "there are \(nameForms(names)); * stands for anything, and a scope for all in it")
  }
}
