import GraphIR

/// Shows that evaluation computes at each position what depends on the tokens up to there and on
/// nothing else.
///
/// Then a position's keys and values are the same whatever comes after it, and can be kept. Looked
/// at is what the logits are computed from: no op may draw random numbers (dropout is off in
/// evaluation), let one token take another's place at an expert, or join positions, but for causal
/// attention. The axis of positions must stay whole and must be one alone.
struct PositionCheck {
  private let graph: Graph
  private let sequences: Axis
  private let positions: Axis

  init(_ sizes: PassSizes) {
    graph = sizes.graph
    sequences = sizes.axes.sequences
    positions = sizes.axes.positions
  }

  /// - Throws: what speaks against it first.
  func check() throws(Recomputation) {
    guard let logits = graph[.logits] else { throw Recomputation("it has no logits") }
    var isNeeded = Array(repeating: false, count: graph.nodes.count)
    isNeeded[logits.node] = true
    for index in isNeeded.indices.reversed() where isNeeded[index] {
      for input in graph.nodes[index].inputs { isNeeded[input.node] = true }
    }
    for index in isNeeded.indices where isNeeded[index] { try check(graph.nodes[index]) }
    guard graph.type(of: logits).axes.dropFirst().first == positions else {
      throw Recomputation(
        "its logits are the same for every text", at: graph.nodes[logits.node].location)
    }
  }

  private func check(_ node: Node) throws(Recomputation) {
    try checkOp(node)
    if node.inputs.isEmpty { return }
    if case .route = node.op { return }
    try checkParameters(node)
    for type in node.types { try checkResult(type, of: node) }
  }

  private func checkOp(_ node: Node) throws(Recomputation) {
    let types = node.inputs.map(graph.type(of:))
    switch node.op.forward?.positions(types) ?? .joined(PositionRule.joins) {
    case .apart: return
    case .apartUnless(let axes, let reason):
      try demand(!axes.contains(where: isOfPositions), node, reason)
    case .apartAt(let axis): try demand(isAxis(axis, of: types[0]), node, PositionRule.joins)
    case .causal:
      let isOfSequences = types.prefix(3).allSatisfy {
        isAxis(1, of: $0) && $0.axes[0] == sequences
      }
      // Generation has one document, of whatever its rows hold in training.
      let others = types.dropFirst(3).filter { $0.element != .i32 }
      try demand(!others.contains(where: hasPositions), node, PositionRule.joins)
      try demand(isOfSequences || !hasPositions(types[0]), node, PositionRule.joins)
    case .joined(let reason): try demand(false, node, reason)
    }
  }

  /// What holds something for each of the model's positions is read by position ids, or not at all.
  private func checkParameters(_ node: Node) throws(Recomputation) {
    guard case .pointwise = node.op else { return }
    for input in node.inputs {
      let type = graph.type(of: input)
      let isAligned = type.axes == node.types[0].axes(met: type)
      try demand(isAligned, node, "reads a parameter by position")
    }
  }

  /// One axis of positions, or rows sorted by expert, or no positions at all where nothing had any.
  private func checkResult(_ type: TensorType, of node: Node) throws(Recomputation) {
    let axes = type.experts == nil ? type.axes : Array(type.axes.dropFirst())
    let found = axes.filter(isOfPositions)
    if type.experts != nil { return try demand(found.isEmpty, node, PositionRule.joins) }
    if found.isEmpty {
      let isConstant = !node.inputs.contains { hasPositions(graph.type(of: $0)) }
      return try demand(isConstant, node, PositionRule.joins)
    }
    try demand(found == [positions], node, PositionRule.joins)
  }

  private func demand(
    _ condition: Bool, _ node: Node, _ reason: String
  ) throws(Recomputation) {
    if condition { return }
    let name = node.scope.isEmpty ? node.op.mnemonic : node.scope
    throw Recomputation("\(name) \(reason)", at: node.location)
  }

  /// Whether an axis is that of positions, or a product with it.
  private func isOfPositions(_ axis: Axis?) -> Bool {
    guard let axis else { return false }
    return axis.symbols.contains { $0.extent == .positions }
  }

  private func hasPositions(_ type: TensorType) -> Bool { type.axes.contains(where: isOfPositions) }

  /// Whether the axis of that number is the positions', or the tensor has no positions.
  private func isAxis(_ index: Int, of type: TensorType) -> Bool {
    type.axes.firstIndex(where: isOfPositions) ?? index == index
  }
}
