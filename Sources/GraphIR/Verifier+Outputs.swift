extension Verifier {
  static func checkParameters(_ graph: Graph) throws(Diagnostic) {
    var places: [String: Int] = [:]
    try forEachNode(of: graph) { index, node throws(Mismatch) in
      guard case .parameter(let parameter) = node.op else { return }
      guard !parameter.name.isEmpty else { throw Mismatch("a parameter has no name") }
      if parameter.isState, parameter.isFrozen {
        throw Mismatch("the state \(parameter.name.quoted) is frozen, and has a rule")
      }
      if let first = places.updateValue(index, forKey: parameter.name) {
        let place = graph.nodes[first].location.map { ", first at \($0)" } ?? ""
        throw Mismatch(
          "two parameters are named \(parameter.name.quoted)\(place)",
          hint: "give each its own name, or a scope around it")
      }
    }
  }

  /// The parts of adapters beside their weights.
  static func checkAdapters(_ graph: Graph) throws(Diagnostic) {
    let types = Dictionary(
      graph.parameters.map { ($0.parameter.name, $0.parameter.axes) },
      uniquingKeysWith: { first, _ in first })
    try forEachNode(of: graph) { _, node throws(Mismatch) in
      guard case .parameter(let parameter) = node.op, let adapter = parameter.adapter else {
        return
      }
      guard parameter.name == adapter.name, adapter.scale.isFinite else {
        throw Mismatch("\(parameter.name.quoted) is no adapter's name, or its scale no number")
      }
      guard let axes = types[adapter.weight], axes.count >= 2,
        parameter.axes.count == axes.count, let place = Self.rankPlace(adapter.part, axes.count),
        parameter.axes == adapter.axes(ofWeight: axes, rank: parameter.axes[place])
      else {
        throw Mismatch("\(parameter.name.quoted) does not fit \(adapter.weight.quoted)")
      }
    }
  }

  private static func rankPlace(_ part: Adapter.Part, _ count: Int) -> Int? {
    part == .a ? count - 2 : count - 1
  }

  static func checkOutputs(_ graph: Graph) throws(Diagnostic) {
    let parameters = Dictionary(
      graph.parameters.map { ($0.parameter.name, $0.node) }, uniquingKeysWith: { first, _ in first }
    )
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
    _ binding: Graph.OutputBinding, in graph: Graph, _ parameters: [String: Int]
  ) throws(Mismatch) {
    let (output, value) = (binding.output, binding.value)
    guard graph.nodes.indices.contains(value.node),
      graph.nodes[value.node].types.indices.contains(value.result)
    else { throw Mismatch("\(output) is \(value), which does not exist") }
    let type = try type(of: output, in: graph, parameters)
    guard graph.type(of: value) == type else {
      throw Mismatch("\(output) must be \(type), but \(value) is \(graph.type(of: value))")
    }
    try checkComputed(binding, in: graph)
    try checkPhase(of: binding, in: graph)
  }

  /// What comes out has room of its own, which nothing given has.
  private static func checkComputed(
    _ binding: Graph.OutputBinding, in graph: Graph
  ) throws(Mismatch) {
    let node = graph.nodes[binding.value.node]
    guard node.op.kind == .input || node.op.kind == .parameter else { return }
    throw Mismatch(
      "\(binding.output) is \(binding.value) itself, the \(node.op.mnemonic): nothing computes it")
  }

  /// The type that an output must have.
  private static func type(
    of output: Output, in graph: Graph, _ parameters: [String: Int]
  ) throws(Mismatch) -> TensorType {
    let (name, isState): (String, Bool)
    switch output {
    case .loss, .objective, .term: return .scalar
    case .logits: return .f32(graph.batch, graph.context, graph.vocabulary)
    case .gradient(let parameter): (name, isState) = (parameter, false)
    case .state(let state): (name, isState) = (state, true)
    }
    guard let node = parameters[name], case .parameter(let parameter) = graph.nodes[node].op,
      isState ? parameter.isState : parameter.isLearned
    else { throw Mismatch("\(output): no such \(isState ? "state" : "parameter")") }
    return graph.nodes[node].types[0]
  }

  /// All but gradients must be there without a backward pass.
  private static func checkPhase(
    of binding: Graph.OutputBinding, in graph: Graph
  ) throws(Mismatch) {
    switch binding.output {
    case .gradient: return
    case .loss, .logits, .objective, .term, .state:
      guard graph.nodes[binding.value.node].phase == .forward else {
        throw Mismatch("\(binding.output) is \(binding.value) of the backward phase")
      }
    }
  }
}

// States and terms.
extension Verifier {
  static func checkStates(_ graph: Graph) throws(Diagnostic) {
    for (node, parameter) in graph.parameters
    where parameter.isState && graph[.state(parameter.name)] == nil {
      throw Diagnostic(
        at: graph.nodes[node].location, "the state \(parameter.name.quoted) has no rule",
        hint: "return state \(parameter.name.quoted) says what it is after a step")
    }
  }

  static func checkObjective(_ graph: Graph) throws(Diagnostic) {
    do throws(Mismatch) {
      var names: Set<String> = []
      for term in graph.terms {
        guard !term.name.isEmpty else { throw Mismatch("a term has no name") }
        try checkPrintable("the term's name", term.name)
        guard term.weight.isFinite else {
          throw Mismatch("the weight of term \(term.name.quoted) cannot be \(term.weight)")
        }
        guard names.insert(term.name).inserted else {
          throw Mismatch("two terms are named \(term.name.quoted)")
        }
      }
      try checkSlopes(graph)
    } catch {
      throw Diagnostic(at: nil, error.message, hint: error.hint)
    }
  }

  /// The objective against the weights; two terms may be one value, by passes too.
  private static func checkSlopes(_ graph: Graph) throws(Mismatch) {
    var slopes: [Value: Double] = [:]
    for term in graph.terms where term.weight != 0 { slopes[term.value, default: 0] += term.weight }
    guard let objective = graph[.objective] else {
      if slopes.isEmpty { return }
      throw Mismatch("there are weighted terms, but no objective")
    }
    guard let loss = graph[.loss] else { throw Mismatch("there is an objective, but no loss") }
    slopes[loss, default: 0] += 1
    let scale = graph.terms.reduce(1) { $0 + abs($1.weight) }
    let node = graph.nodes[objective.node]
    guard case .pointwise(let op) = node.op, Set(node.inputs) == Set(slopes.keys) else {
      throw Mismatch("the objective \(objective) is no sum of the loss and the weighted terms")
    }
    for (value, expected) in slopes {
      let places = node.inputs.indices.filter { node.inputs[$0] == value }
      let slope = places.reduce(0.0) { $0 + (op.expression.derivative(by: $1).number ?? .nan) }
      guard abs(slope - expected) <= 1e-12 * scale else {
        throw Mismatch("the objective's slope by \(value) is \(slope), expected \(expected)")
      }
    }
  }
}

extension ScalarExpression {
  /// The number that the expression is, if it is one whatever its inputs are.
  fileprivate var number: Double? {
    if case .constant(let value) = simplified { value } else { nil }
  }
}
