import GraphIR

/// What a graph says of one of its mixtures.
struct Mixture {
  /// Its path in the model: `block.1.mixture`.
  var scope: String
  var experts: Int
  var chosen: Int
  /// Parameters that have a part for each expert, and those of the router, a row or number for each.
  var stacked: Set<String> = []
  var router: Set<String> = []
  /// The matrix that gives what experts give, and its bias; nil where that is no linear layer.
  var lastWeight: String?
  var lastBias: String?
  /// What one choice counts where the router prefers no expert; nil: not known.
  var weight: Double?
  /// Whether the weights of a token's experts have the same sum whatever the router says.
  var sumIsConstant = false
  /// Whether experts may have no room for a token, and whether noise takes part in the choice.
  var dropsTokens = false
  var isNoisy = false

  /// All of a graph, in order.
  static func all(in forward: ForwardGraph) -> [Mixture] {
    forward.graph.nodes.indices.compactMap { index in
      let node = forward.graph.nodes[index]
      guard case .combine = node.op, node.phase == .forward else { return nil }
      return Mixture(forward, combine: index)
    }
  }

  private init?(_ forward: ForwardGraph, combine index: Int) {
    let node = forward.graph.nodes[index]
    guard let experts = forward.graph.type(of: node.inputs[0]).experts else { return nil }
    scope = node.scope.isEmpty ? node.layer?.scope ?? "" : node.scope
    self.experts = experts.size
    chosen = forward.graph.type(of: node.inputs[1]).width
    var seen: Set<Value> = []
    readStacked(forward, node.inputs[0], &seen)
    readLast(forward, node.inputs[0])
    seen = []
    readRouter(forward, node.inputs[1], layer: node.layer, &seen)
    sumIsConstant = isShared(forward, node.inputs[1])
    if let after = forward.factor(after: Value(node: index)) {
      weight = forward.even(node.inputs[1]).map { $0 * after }
    }
    let source = forward.node(of: node.inputs[2])
    if case .route(let route) = source.op {
      dropsTokens = route.capacity != nil
      readRouter(forward, source.inputs[0], layer: node.layer, &seen)
    }
  }

  private mutating func readStacked(
    _ forward: ForwardGraph, _ value: Value, _ seen: inout Set<Value>
  ) {
    let node = forward.node(of: value)
    if case .dispatch = node.op { return }
    for input in node.inputs where seen.insert(input).inserted {
      if let parameter = forward.parameter(input) {
        stacked.insert(parameter.name)
      } else if forward.graph.type(of: input).experts != nil {
        readStacked(forward, input, &seen)
      }
    }
  }

  /// Dropout may follow the last layer.
  private mutating func readLast(_ forward: ForwardGraph, _ value: Value) {
    let node = forward.node(of: value)
    if case .linear(let linear) = node.op {
      lastWeight = forward.parameter(node.inputs[1])?.name
      if linear.bias { lastBias = forward.parameter(node.inputs[2])?.name }
    } else if case .exchangeRows = node.op {
      readLast(forward, node.inputs[0])
    } else if case .pointwise = node.op, node.inputs.count == 1,
      forward.slope(value.node, of: node.inputs[0]) == 1
    {
      readLast(forward, node.inputs[0])
    }
  }

  /// Back from the weights, or from the choice, to the logits.
  private mutating func readRouter(
    _ forward: ForwardGraph, _ value: Value, layer: LayerPath?, _ seen: inout Set<Value>
  ) {
    let node = forward.node(of: value)
    guard seen.insert(value).inserted, node.layer == layer else { return }
    if let parameter = forward.parameter(value) {
      if parameter.axes.first?.size == experts { router.insert(parameter.name) }
      return
    }
    if case .linear = node.op {
      guard node.types[0].width == experts else { return }
      for input in node.inputs.dropFirst() {
        if let parameter = forward.parameter(input) { router.insert(parameter.name) }
      }
      return
    }
    if case .combine = node.op { return }
    if case .pointwise(let op) = node.op, op.expression.drawsNormal { isNoisy = true }
    for input in node.inputs { readRouter(forward, input, layer: layer, &seen) }
  }

  /// Whether weights are shares of one sum: of a softmax over the chosen, or divided by what they add up to.
  private func isShared(_ forward: ForwardGraph, _ value: Value) -> Bool {
    let node = forward.node(of: value)
    if case .sum = node.op { return true }
    if case .softmax = node.op { return node.types[0].width == chosen }
    guard case .pointwise = node.op else { return false }
    return node.inputs.contains { isShared(forward, $0) }
  }
}
