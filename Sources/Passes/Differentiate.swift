import GraphIR

extension Pass {
  /// Appends the gradients of the objective, which is the loss where there are no weighted terms:
  /// reverse mode, one rule per op, each in the op's own file.
  ///
  /// Requires: a loss, and no gradient op yet. Ensures: an output `.gradient(parameter:)` for every
  /// learned parameter on which the objective depends: 0 where what comes back cancels, and such a
  /// parameter is stepped, decay and all. One that it does not depend on gets none, and the optimiser
  /// leaves it alone, as PyTorch does where `grad` is None; so does a state, which its rule updates, and a
  /// frozen one. Backward ends where nothing behind is learned. Error: all is frozen.
  public static let differentiate = Pass(
    "Differentiate", "emits the backward graph: the objective's gradient by every parameter",
    isRequired: true
  ) { graph throws(Diagnostic) in
    var differentiation = try Differentiation(of: graph)
    try differentiation.walk()
    return differentiation.finished()
  }
}

/// A reverse walk over a graph, from its objective to its parameters.
///
/// The gradient of a value is complete when the walk reaches the value's node, since all uses come
/// later in the graph. Several uses are added up as they arrive, in the scope of the use that came
/// last: the two branches of a residual meet in the block that made them, not in the block before.
private struct Differentiation {
  private let source: Graph
  private let objective: Value

  /// Per node: whether it is a learned parameter or depends on one.
  private let isLearned: [Bool]
  private var builder: GraphBuilder
  private var gradients: [Value: Value] = [:]

  init(of graph: Graph) throws(Diagnostic) {
    guard let objective = graph.differentiated else {
      throw Diagnostic(
        at: nil, "\(graph.name): the graph has no loss to differentiate",
        hint: "bind the output \"loss\", as LanguageModel does")
    }
    if graph.nodes.contains(where: { $0.phase == .backward }) {
      throw Diagnostic(at: nil, "\(graph.name): the graph has gradients already")
    }
    source = graph
    self.objective = objective
    isLearned = Self.learnedNodes(of: graph)
    try Self.checkFrozen(graph, isLearned[objective.node])
    builder = GraphBuilder(graph)
    builder.phase = .backward
  }

  /// What only learns where it is frozen needs no gradients, but what was meant is another thing.
  private static func checkFrozen(_ graph: Graph, _ learns: Bool) throws(Diagnostic) {
    let frozen = graph.parameters.filter(\.parameter.isFrozen)
    guard !learns, let first = frozen.first else { return }
    throw Diagnostic(
      at: graph.nodes[first.node].location,
      "\(graph.name) learns nothing: all that its loss depends on is frozen",
      hint: "freeze less, or make a library that only gives logits with --inference")
  }

  private static func learnedNodes(of graph: Graph) -> [Bool] {
    var isLearned: [Bool] = []
    for node in graph.nodes {
      let isParameter = if case .parameter(let op) = node.op { op.isLearned } else { false }
      isLearned.append(isParameter || node.inputs.contains { isLearned[$0.node] })
    }
    return isLearned
  }

  /// Emits the gradients of all nodes between the objective and the parameters, last node first.
  mutating func walk() throws(Diagnostic) {
    enter(objective.node)
    gradients[objective] = builder.pointwise(.constant(1), [objective])
    for index in (0...objective.node).reversed() where isLearned[index] {
      try visit(index)
    }
  }

  private mutating func visit(_ index: Int) throws(Diagnostic) {
    let node = source.nodes[index]
    let results = source.results(of: index)
    let arrived = results.map { gradients[$0] }
    if node.inputs.isEmpty || arrived.allSatisfy({ $0 == nil }) { return }
    guard let operation = node.op.forward else {
      throw Diagnostic(at: node.location, "\(node.op.mnemonic): has no gradient of its own")
    }
    enter(index)
    let site = GradientSite(
      inputs: node.inputs, results: results, gradients: arrived,
      isWanted: node.inputs.map { isLearned[$0.node] })
    let contributions = operation.gradient(site, &builder)
    for (input, contribution) in zip(node.inputs, contributions) {
      if let contribution { accumulate(contribution, into: input) }
    }
  }

  private mutating func accumulate(_ contribution: Value, into value: Value) {
    guard isLearned[value.node] else { return }
    gradients[value] = gradients[value].map { builder.add($0, contribution) } ?? contribution
  }

  /// Backward nodes carry the scope, the layer and the line of the forward node they come from.
  private mutating func enter(_ index: Int) {
    builder.scope = source.nodes[index].scope
    builder.layer = source.nodes[index].layer
    builder.location = source.nodes[index].location
  }

  /// The graph with its gradients as outputs, in the parameters' order.
  func finished() -> Graph {
    var result = builder
    for (index, parameter) in source.parameters {
      guard let gradient = gradients[Value(node: index)] else { continue }
      result.bind(.gradient(parameter: parameter.name), to: gradient)
    }
    return result.graph
  }
}
