import GraphIR

extension Lowering {
  /// Makes one product of the three that give attention its queries, keys and values.
  ///
  /// Their weights lie one after the other in memory, so that together they are one matrix
  /// [3 O, I]; attention reads the three parts of each row where they are. Backward mirrors it: one
  /// gradient [.., 3 O], one product for the input and one for the weights. Returns what nothing
  /// needs any more.
  mutating func joinProjections() -> Set<Int> {
    // No two joins touch a node that the other asks for the readers of.
    let facts = ProjectionFacts(self)
    var removed: Set<Int> = []
    for index in graph.nodes.indices {
      guard case .attention = graph.nodes[index].op, let join = projections(of: index, facts) else {
        continue
      }
      removed.formUnion(apply(join, facts))
    }
    return removed
  }

  /// The nodes that become one, queries first.
  private struct Projections {
    var attention: Int
    var forward: [Int]
    var weights: [Value]
    var backward: Backward?

    struct Backward {
      var attention: Int
      var inputGradients: [Int]
      var weightGradients: [Int]

      /// The sum of the three gradients of the input.
      var sum: Int
    }
  }

  /// What all joins ask of the graph as it is before the first.
  private struct ProjectionFacts {
    var readers: [Value: [Int]]

    /// Which one of all parameters a node is.
    var places: [Int: Int]

    /// The graph's outputs that are results of a node.
    var outputs: [Int: [Int]] = [:]

    init(_ lowering: Lowering) {
      readers = lowering.readers()
      places = Dictionary(
        uniqueKeysWithValues: lowering.graph.parameters.enumerated().map { ($1.node, $0) })
      for (index, binding) in lowering.graph.outputs.enumerated() {
        outputs[binding.value.node, default: []].append(index)
      }
    }
  }

  private func projections(of attention: Int, _ facts: ProjectionFacts) -> Projections? {
    let parts = graph.nodes[attention].inputs
    let forward = parts.map(\.node)
    guard Set(forward).count == 3, forward.allSatisfy({ isPlainProjection($0, like: forward[0]) })
    else { return nil }
    let weights = forward.map { graph.nodes[$0].inputs[1] }
    let readers = facts.readers
    let gradients = Set(parts.flatMap { readers[$0] ?? [] }).subtracting([attention])
    guard areNeighbours(weights, facts), gradients.count <= 1 else { return nil }
    var join = Projections(attention: attention, forward: forward, weights: weights)
    if let gradient = gradients.first {
      guard let backward = backward(gradient, join, readers) else { return nil }
      join.backward = backward
    }
    return join
  }

  /// Whether a node is a dense product without bias, of the same input and shape as another.
  private func isPlainProjection(_ index: Int, like other: Int) -> Bool {
    let node = graph.nodes[index]
    let width = node.types[0].width
    return node.op == .linear(Linear(bias: false)) && node.types == graph.nodes[other].types
      && node.types[0].experts == nil && width % Layout.panelWidth == 0
      && node.inputs[0] == graph.nodes[other].inputs[0]
      && node.layer == graph.nodes[other].layer
  }

  /// Whether values are parameters created one after the other.
  private func areNeighbours(_ values: [Value], _ facts: ProjectionFacts) -> Bool {
    let places = values.compactMap { facts.places[$0.node] }
    return places.count == values.count
      && zip(places, places.dropFirst()).allSatisfy { $1 == $0 + 1 }
  }

  private func backward(
    _ attention: Int, _ join: Projections, _ readers: [Value: [Int]]
  ) -> Projections.Backward? {
    guard attention < graph.nodes.count, case .attentionGradient = graph.nodes[attention].op else {
      return nil
    }
    var found = Projections.Backward(
      attention: attention, inputGradients: [], weightGradients: [], sum: 0)
    var sums: Set<Int> = []
    for (part, weight) in join.weights.enumerated() {
      let gradient = Value(node: attention, result: part)
      let users = readers[gradient] ?? []
      guard users.count == 2, !users.contains(graph.nodes.count),
        let input = users.first(where: { graph.nodes[$0].op.kind == .linearInputGradient }),
        let weights = users.first(where: { graph.nodes[$0].op.kind == .linearWeightGradient }),
        graph.nodes[input].inputs == [gradient, weight],
        readers[weight]?.sorted() == [join.forward[part], input].sorted(),
        let sum = readers[Value(node: input)], sum.count == 1,
        readers[Value(node: weights)] == [graph.nodes.count]
      else { return nil }
      found.inputGradients.append(input)
      found.weightGradients.append(weights)
      sums.formUnion(sum)
    }
    guard sums.count == 1, let sum = sums.first, adds(sum, found.inputGradients) else { return nil }
    found.sum = sum
    return found
  }

  /// Whether a pointwise node adds the results of some nodes to whatever else it computes.
  private func adds(_ node: Int, _ addends: [Int]) -> Bool {
    guard node < graph.nodes.count, case .pointwise(let op) = graph.nodes[node].op else {
      return false
    }
    let inputs = graph.nodes[node].inputs
    return addends.allSatisfy { addend in
      let places = inputs.indices.filter { inputs[$0] == Value(node: addend) }
      return places.count == 1 && op.expression.derivative(by: places[0]) == .constant(1)
    }
  }
}

extension Lowering {
  private mutating func apply(_ join: Projections, _ facts: ProjectionFacts) -> Set<Int> {
    let first = join.forward[0]
    let all = Value(node: first)
    widen(first, by: join.weights)
    graph.nodes[join.attention].inputs = [all, all, all]
    joined.insert(join.attention)
    takeOver(join.forward.dropFirst(), by: first)
    var removed = Set(join.forward.dropFirst())
    if let backward = join.backward {
      removed.formUnion(apply(backward, join.weights, all, facts))
    }
    return removed
  }

  /// Gives a product further weights, its result as many parts.
  private mutating func widen(_ node: Int, by weights: [Value]) {
    let type = graph.nodes[node].types[0]
    graph.nodes[node].inputs = [graph.nodes[node].inputs[0]] + weights
    if let width = type.axes.last, graph.nodes[node].phase == .forward {
      graph.nodes[node].types[0] = type.replacingLast(with: weights.count * width)
    }
    joined.insert(node)
  }

  private mutating func apply(
    _ backward: Projections.Backward, _ weights: [Value], _ all: Value, _ facts: ProjectionFacts
  ) -> Set<Int> {
    let attention = backward.attention
    graph.nodes[attention].inputs.replaceSubrange(2...4, with: [all, all, all])
    graph.nodes[attention].types = [graph.type(of: all)]
    joined.insert(attention)
    widen(backward.inputGradients[0], by: weights)
    joinWeightGradients(backward.weightGradients, facts)
    leaveOut(Array(backward.inputGradients.dropFirst()), of: backward.sum)
    for nodes in [backward.inputGradients, backward.weightGradients] {
      takeOver(nodes.dropFirst(), by: nodes[0])
    }
    return Set(backward.inputGradients.dropFirst() + backward.weightGradients.dropFirst())
  }

  /// One product gives all weights' gradients, a result for each.
  private mutating func joinWeightGradients(_ nodes: [Int], _ facts: ProjectionFacts) {
    let first = nodes[0]
    graph.nodes[first].types = nodes.map { graph.nodes[$0].types[0] }
    graph.nodes[first].inputs[0] = Value(node: graph.nodes[first].inputs[0].node)
    joined.insert(first)
    for (part, node) in nodes.enumerated() {
      for index in facts.outputs[node] ?? [] {
        graph.outputs[index].value = Value(node: first, result: part)
      }
    }
  }

  /// Leaves addends out of a sum that another addend has taken in.
  private mutating func leaveOut(_ addends: [Int], of sum: Int) {
    guard case .pointwise(let op) = graph.nodes[sum].op else { return }
    let inputs = graph.nodes[sum].inputs
    let gone = Set(addends.map { Value(node: $0) })
    let kept = inputs.indices.filter { !gone.contains(inputs[$0]) }
    let expression = op.expression.substituting { index in
      gone.contains(inputs[index]) ? .constant(0) : .input(kept.firstIndex(of: index) ?? 0)
    }
    graph.nodes[sum].inputs = kept.map { inputs[$0] }
    graph.nodes[sum].op = .pointwise(Pointwise(expression))
  }

  /// Pointwise nodes that have become their only operand, in whose place it stands from now on.
  mutating func dropIdentities() -> Set<Int> {
    var replaced: [Value: Value] = [:]
    for (index, node) in graph.nodes.enumerated() {
      guard case .pointwise(let op) = node.op, op.expression == .input(0), node.inputs.count == 1,
        graph.type(of: node.inputs[0]) == node.types[0]
      else { continue }
      replaced[Value(node: index)] = replaced[node.inputs[0]] ?? node.inputs[0]
    }
    replace(replaced)
    return Set(replaced.keys.map(\.node))
  }
}
