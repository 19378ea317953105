import GraphIR

extension Pass {
  /// Shares the experts of every routing out among ranks: rows go to the ranks of their experts behind each `dispatch`, and
  /// come back before each `combine`.
  ///
  /// Requires: no gradients yet; those of the exchanges are exchanges the other way. Ensures: all ops between the two
  /// work on rows that were received.
  public static func shareExperts(among ranks: Int) -> Pass {
    Pass(
      "ShareExperts", "rows travel to the ranks that own their experts, and back", isRequired: true
    ) { graph throws(Diagnostic) in
      var sharing = try ExpertSharing(graph, among: ranks)
      for index in graph.nodes.indices { try sharing.visit(index) }
      return sharing.rewriter.finished()
    }
  }
}

/// A walk over a graph that puts the exchanges in.
private struct ExpertSharing {
  var rewriter: Rewriter
  private let ranks: Int

  /// The routes that rows are dispatched by.
  private let routes: Set<Int>

  /// What was received of each of them: the results of `exchangeCounts`.
  private var counts: [Int: [Value]] = [:]

  /// Whether a node gives the same numbers on every rank, whatever is learned and read.
  private var isConstant: [Bool] = []

  init(_ graph: Graph, among ranks: Int) throws(Diagnostic) {
    rewriter = Rewriter(graph)
    self.ranks = ranks
    routes = Set(
      graph.nodes.compactMap { if case .dispatch = $0.op { $0.inputs[1].node } else { nil } })
    if routes.isEmpty {
      throw Diagnostic(
        at: nil, "\(graph.name) routes no rows to experts: there is nothing to share out",
        hint: "leave --expert-ranks out")
    }
    try checkWeights(of: graph)
  }

  mutating func visit(_ index: Int) throws(Diagnostic) {
    let node = rewriter.source.nodes[index]
    isConstant.append(isConstant(node))
    if case .route(let op) = node.op {
      rewriter.copy(index)
      if routes.contains(index) { try exchangeCounts(of: index, op.experts) }
    } else if case .dispatch = node.op {
      rewriter.copy(index)
      let route = node.inputs[1].node
      rewriter.replace(index, by: exchanged([Value(node: index)], route, isBack: false, for: index))
    } else if case .combine(let op) = node.op {
      let rows = exchanged([node.inputs[0]], node.inputs[2].node, isBack: true, for: index)
      let inputs = rows + node.inputs.dropFirst().map(rewriter.mapped)
      rewriter.replace(index, by: rewriter.emit(.combine(op), inputs, for: index))
    } else if node.inputs.contains(where: { rewriter.source.type(of: $0).experts != nil }) {
      try checkOperands(of: node)
      var inputs = node.inputs.map(rewriter.mapped)
      if let received = node.start.flatMap({ counts[$0] }) {
        inputs[inputs.count - 1] = received[0]
      }
      rewriter.replace(index, by: rewriter.emit(node.op, inputs, for: index))
    } else {
      rewriter.copy(index)
    }
  }

  private mutating func exchangeCounts(of route: Int, _ experts: Axis) throws(Diagnostic) {
    guard experts.size % ranks == 0 else {
      throw Diagnostic(
        at: rewriter.source.nodes[route].location,
        "\(experts.named) experts cannot be shared out evenly among \(ranks) ranks",
        hint: "--expert-ranks must divide the experts of every mixture")
    }
    let start = rewriter.mapped(Value(node: route))
    counts[route] = rewriter.emit(
      .exchangeCounts(ExchangeCounts(ranks: ranks)), [start], for: route)
  }

  private mutating func exchanged(
    _ rows: [Value], _ route: Int, isBack: Bool, for index: Int
  ) -> [Value] {
    guard case .route(let op) = rewriter.source.nodes[route].op, let received = counts[route] else {
      return rows.map(rewriter.mapped)
    }
    let way = ExchangeRows(ranks: ranks, capacity: op.capacity, isBack: isBack)
    let tables = [
      rewriter.mapped(Value(node: route)), received[0],
      rewriter.mapped(Value(node: route, result: 2)),
    ]
    return rewriter.emit(.exchangeRows(way), rows.map(rewriter.mapped) + tables, for: index)
  }
}

// What must be so that each rank can compute its own experts alone, and gradients are sums over one rank's rows.
extension ExpertSharing {
  private func isConstant(_ node: Node) -> Bool {
    switch node.op {
    case .parameter: false
    case .input(let input): input.kind == .positions
    case let op:
      op.operation.streams.isEmpty && node.inputs.allSatisfy { isConstant[$0.node] }
    }
  }

  /// Beside rows, experts have parameters of their own, or numbers that are the same everywhere.
  private func checkOperands(of node: Node) throws(Diagnostic) {
    let graph = rewriter.source
    for input in node.inputs.dropLast(node.start == nil ? 0 : 1)
    where graph.type(of: input).experts == nil {
      if case .parameter = graph.nodes[input.node].op, node.start != nil { continue }
      if isConstant[input.node], node.start == nil { continue }
      throw Diagnostic(
        at: node.location,
        "\(node.op.mnemonic) between routed and combined reads what all experts share: they cannot be shared out "
          + "among ranks",
        hint: "give each expert parameters of its own there, or leave --expert-ranks out")
    }
  }

  /// What experts own is read by nothing else.
  private func checkWeights(of graph: Graph) throws(Diagnostic) {
    var owned: Set<Int> = []
    var others: [Int: Node] = [:]
    for node in graph.nodes {
      for (place, input) in node.inputs.enumerated() {
        guard case .parameter = graph.nodes[input.node].op else { continue }
        let isOfRows = graph.type(of: node.inputs[0]).experts != nil
        if isOfRows, place > 0, node.start != nil {
          owned.insert(input.node)
        } else {
          others[input.node] = others[input.node] ?? node
        }
      }
    }
    guard let index = owned.filter({ others[$0] != nil }).min(), let reader = others[index],
      case .parameter(let parameter) = graph.nodes[index].op
    else { return }
    throw Diagnostic(
      at: reader.location,
      "\(reader.op.mnemonic) reads all experts' \(parameter.name), of which a rank has only its own",
      hint: "leave --expert-ranks out")
  }
}

extension Node {
  /// The route by whose start the op tells experts apart, if it does.
  fileprivate var start: Int? {
    guard op.operation.sortedRows == .byStart else { return nil }
    let isStart = op.operation.operandRoles(
      inputs.map { _ in TensorType(.f32, [], by: Axis(constant: 1)) })
    return isStart.last == .start && isStart.count == inputs.count ? inputs.last?.node : nil
  }
}
