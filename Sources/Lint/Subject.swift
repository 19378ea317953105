import GraphIR

/// What the rules look at: the graph as the model makes it, before any pass, and what it costs.
public struct Subject: Sendable {
  public let graph: Graph
  public let work: Work

  /// The parameters by which no pass found a gradient, whatever each op by itself would give: those of
  /// what cancels out, as in `y - y`.
  let withoutGradient: Set<String>

  /// Whether the logits, the loss, a term or a state's rule need the node.
  let isUsed: [Bool]

  /// Floating-point operations of a pass, and how training and evaluation take turns.
  public struct Work: Sendable {
    public var forward: Int
    public var step: Int

    /// Steps between evaluations, and batches of an evaluation for each of its two parts.
    public var evaluationInterval: Int
    public var evaluationBatches: Int

    public init(forward: Int, step: Int, evaluationInterval: Int, evaluationBatches: Int) {
      self.forward = forward
      self.step = step
      self.evaluationInterval = evaluationInterval
      self.evaluationBatches = evaluationBatches
    }
  }

  /// - Parameter transformed: the same model after all passes; nil: not known.
  public init(_ graph: Graph, transformed: Graph? = nil, work: Work) {
    self.graph = graph
    self.work = work
    withoutGradient = transformed?.parametersWithoutGradient ?? []
    isUsed = Self.nodes(of: graph, behind: graph.outputs.map(\.value.node)) {
      graph.nodes[$0].inputs
    }
  }

  /// The nodes that can be reached from `roots` along some of each node's inputs.
  static func nodes(
    of graph: Graph, behind roots: [Int], along inputs: (Int) -> [Value]
  ) -> [Bool] {
    var isReached = graph.nodes.map { _ in false }
    for root in roots { isReached[root] = true }
    for index in graph.nodes.indices.reversed() where isReached[index] {
      for input in inputs(index) { isReached[input.node] = true }
    }
    return isReached
  }

  /// The nodes that the outputs need, with their indices.
  var usedNodes: [(index: Int, node: Node)] {
    graph.nodes.enumerated().filter { isUsed[$0.offset] }.map { ($0.offset, $0.element) }
  }

  func node(_ value: Value) -> Node { graph.nodes[value.node] }
}

extension Subject {
  /// A used `route` node that has a capacity.
  struct LimitedRoute {
    var index: Int
    var rule: Capacity
    var experts: Int
    var chosen: Int

    /// An expert's capacity when so many tokens are routed together.
    func capacity(of tokens: Int) -> Int { rule.limit(choices: tokens * chosen, experts: experts) }
  }

  var limitedRoutes: [LimitedRoute] {
    usedNodes.compactMap { index, node in
      guard case .route(let route) = node.op, let rule = route.capacity else { return nil }
      return LimitedRoute(
        index: index, rule: rule, experts: route.experts.size,
        chosen: graph.type(of: node.inputs[0]).width)
    }
  }

  /// Tokens of a whole batch.
  var batchTokens: Int { graph.batch.size * graph.context.size }
}
