extension Verifier {
  static func checkParameters(_ graph: Graph) throws(Diagnostic) {
    var places: [String: Int] = [:]
    try forEachNode(of: graph) { index, node throws(Mismatch) in
      guard case .parameter(let parameter) = node.op else { return }
      guard !parameter.name.isEmpty else { throw Mismatch("a parameter has no name") }
      if let first = places.updateValue(index, forKey: parameter.name) {
        let place = graph.nodes[first].location.map { ", first at \($0)" } ?? ""
        throw Mismatch(
          "two parameters are named \(parameter.name.quoted)\(place)",
          hint: "give each its own name, or a scope around it")
      }
    }
  }

  static func checkOutputs(_ graph: Graph) throws(Diagnostic) {
    let parameters = Dictionary(
      graph.parameters.map { ($0.parameter.name, graph.nodes[$0.node].types) },
      uniquingKeysWith: { first, _ in first })
    var seen: Set<Output> = []
    for binding in graph.outputs {
      do throws(Mismatch) {
        guard seen.insert(binding.output).inserted else {
          throw Mismatch("\(binding.output) is returned twice")
        }
        try check(binding, in: graph, parameters)
      } catch {
        throw Diagnostic(at: nil, error.message, hint: error.hint)
      }
    }
  }

  private static func check(
    _ binding: Graph.OutputBinding, in graph: Graph, _ parameters: [String: [TensorType]]
  ) throws(Mismatch) {
    let (output, value) = (binding.output, binding.value)
    guard graph.nodes.indices.contains(value.node),
      graph.nodes[value.node].types.indices.contains(value.result)
    else { throw Mismatch("\(output) is \(value), which does not exist") }
    let expected: [TensorType]?
    switch output {
    case .loss: expected = [.scalar]
    case .logits: expected = [.f32(graph.batch, graph.context, graph.vocabulary)]
    case .gradient(let name): expected = parameters[name]
    }
    guard let type = expected?.first else { throw Mismatch("\(output): no such parameter") }
    guard graph.type(of: value) == type else {
      throw Mismatch("\(output) must be \(type), but \(value) is \(graph.type(of: value))")
    }
    try checkPhase(of: binding, in: graph)
  }

  /// The loss and the logits must be there without a backward pass.
  private static func checkPhase(
    of binding: Graph.OutputBinding, in graph: Graph
  ) throws(Mismatch) {
    switch binding.output {
    case .gradient: return
    case .loss, .logits:
      guard graph.nodes[binding.value.node].phase == .forward else {
        throw Mismatch("\(binding.output) is \(binding.value) of the backward phase")
      }
    }
  }
}
