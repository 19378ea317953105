extension Verifier {
  static func checkRoutes(_ graph: Graph) throws(Diagnostic) {
    var tracker = RouteTracker(graph: graph)
    try forEachNode(of: graph) { index, node throws(Mismatch) in try tracker.visit(index, node) }
  }
}

/// Follows rows sorted by expert from `dispatch` on and knows which route sorted them.
private struct RouteTracker {
  let graph: Graph

  /// The route node behind each value of sorted rows.
  private var routes: [Value: Int] = [:]

  init(graph: Graph) { self.graph = graph }

  mutating func visit(_ index: Int, _ node: Node) throws(Mismatch) {
    let route = try routeOfRows(node)
    for (result, type) in node.types.enumerated() where type.experts != nil {
      routes[Value(node: index, result: result)] = route
    }
  }

  /// The route that sorted a node's rows, nil for a node without sorted rows.
  private func routeOfRows(_ node: Node) throws(Mismatch) -> Int? {
    switch node.op.operation.sortedRows {
    case .sorts:
      return try routeOfDispatch(node)
    case .byStart:
      let route = try sharedRoute(node)
      if let route { try expect("start", node.inputs.last, route, result: 0) }
      return route
    case .bySlot:
      guard let route = try sharedRoute(node) else { throw Mismatch("the rows are not sorted") }
      try expect("slot", node.inputs.last, route, result: 2)
      return route
    case .rowByRow:
      return try sharedRoute(node)
    case .exchanges:
      return try routeOfExchange(node)
    case .refused:
      if let value = node.inputs.first(where: { routes[$0] != nil }) {
        throw Mismatch("\(value) has rows sorted by expert, which the op does not take")
      }
      return nil
    }
  }

  /// Start, source and slot must be the three results of one route.
  private func routeOfDispatch(_ node: Node) throws(Mismatch) -> Int {
    let route = node.inputs[1].node
    guard case .route = graph.nodes[route].op,
      Array(node.inputs.dropFirst()) == graph.results(of: route)
    else {
      let given = node.inputs.dropFirst().map(\.description).joined(separator: ", ")
      throw Mismatch("\(given) are not start, source and slot of one route")
    }
    return route
  }

  /// Rows of a route become rows that were received, and those become rows of the route: what they are sorted by is
  /// the route's node for the one, for the other the node that exchanged its counts.
  private func routeOfExchange(_ node: Node) throws(Mismatch) -> Int {
    guard case .exchangeRows(let op) = node.op, let sorted = try sharedRoute(node) else {
      throw Mismatch("the rows are not sorted")
    }
    let (start, counts) = (node.inputs[1], node.inputs[2].node)
    let route = start.node
    guard case .exchangeCounts(let exchange) = graph.nodes[counts].op, exchange.ranks == op.ranks,
      graph.nodes[counts].inputs == [start], node.inputs[2].result == 0
    else { throw Mismatch("\(node.inputs[2]) is not what ranks received of \(start)") }
    try expect("start", start, route, result: 0)
    try expect("slot", node.inputs.last, route, result: 2)
    guard sorted == (op.isBack ? counts : route) else {
      throw Mismatch("the rows are not sorted by \(op.isBack ? node.inputs[2] : start)")
    }
    return op.isBack ? route : counts
  }

  /// The one route behind all sorted inputs, nil if no input is sorted.
  private func sharedRoute(_ node: Node) throws(Mismatch) -> Int? {
    var first: (value: Value, route: Int)?
    for value in node.inputs {
      guard let route = routes[value] else { continue }
      if let first, first.route != route {
        throw Mismatch(
          "\(first.value) and \(value) are sorted by different routes, %\(first.route) and"
            + " %\(route)", hint: "combine each with its own routing first")
      }
      first = (value, route)
    }
    return first?.route
  }

  private func expect(
    _ what: String, _ value: Value?, _ route: Int, result: Int
  ) throws(Mismatch) {
    let expected = Value(node: route, result: result)
    guard let value, value == expected else {
      let given = value?.description ?? "nothing"
      throw Mismatch("\(what) must be \(expected) of the route that sorted the rows, not \(given)")
    }
  }
}
