import GraphIR

extension Lowering {
  /// Makes two nodes of a layer norm's gradient: that of its input, which is found row by row, and
  /// those of its parameters, which are sums over all rows.
  mutating func splitNormGradients() {
    let readers = readers()
    var order: [Int] = []
    var moved: [Value: Value] = [:]
    for index in graph.nodes.indices {
      order.append(index)
      let isInputRead = readers[Value(node: index)] != nil
      let sums = [1, 2].map { Value(node: index, result: $0) }.filter { readers[$0] != nil }
      guard case .layerNormGradient(let op) = graph.nodes[index].op, isInputRead, !sums.isEmpty
      else { continue }
      let copy = graph.nodes.count
      var node = graph.nodes[index]
      if let finish = finishes[index] { node.inputs.removeLast(finish.operands) }
      graph.nodes.append(node)
      origins.append(origins[index])
      costs.append(op.costOfParameters(node.inputs.map(graph.type(of:))))
      costs[index] = costs[index] - costs[copy]
      order.append(copy)
      for sum in sums { moved[sum] = Value(node: copy, result: sum.result) }
    }
    rebind(moved)
    arrange(order)
  }

  /// What is read of these values is read of others from now on.
  private mutating func rebind(_ moved: [Value: Value]) {
    for index in graph.nodes.indices {
      graph.nodes[index].inputs = graph.nodes[index].inputs.map { moved[$0] ?? $0 }
    }
    graph.outputs = graph.outputs.map { .init($0.output, moved[$0.value] ?? $0.value) }
  }

  /// Lets gradients of parameters wait while gradients go back through what keeps sequences apart, or
  /// through the experts: threads need not wait for each other there, nor between those that waited.
  mutating func postponeParameterGradients() {
    let readers = readers()
    var order: [Int] = []
    var waiting: [Int] = []
    for (index, node) in graph.nodes.enumerated() {
      if let first = waiting.first, !passes(node, waiting: graph.nodes[first]) {
        order += waiting
        waiting = []
      }
      if isLast(index, readers) { waiting.append(index) } else { order.append(index) }
    }
    arrange(order + waiting)
  }

  /// Whether a node makes nothing but parameters' gradients that nobody reads.
  private func isLast(_ index: Int, _ readers: [Value: [Int]]) -> Bool {
    let node = graph.nodes[index]
    return node.phase == .backward && node.op.operation.sumsRows
      && graph.results(of: index).allSatisfy {
        (readers[$0] ?? []).allSatisfy { $0 == graph.nodes.count }
      }
      && !(node.op.kind == .layerNormGradient && readers[Value(node: index)] != nil)
  }

  /// Whether a node may come before one of the same layer that waits.
  private func passes(_ node: Node, waiting: Node) -> Bool {
    node.phase == waiting.phase && Partition.isComputed(node)
      && node.layer == waiting.layer
      && (node.op.operation.keepsSequencesApart || node.op.operation.sumsRows)
      && (readsRowsByExpert(waiting)
        ? readsRowsByExpert(node) && (node.op.operation.sumsRows || makesRowsByExpert(node))
        : !readsRowsByExpert(node))
  }

  private func readsRowsByExpert(_ node: Node) -> Bool {
    node.inputs.contains { graph.type(of: $0).experts != nil }
  }

  private func makesRowsByExpert(_ node: Node) -> Bool {
    node.types.contains { $0.experts != nil }
  }

  /// Brings the nodes into another order, leaves out what is not in it, and renumbers.
  mutating func arrange(_ order: [Int]) {
    let number = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    func moved(_ value: Value) -> Value {
      Value(node: number[value.node] ?? value.node, result: value.result)
    }
    graph.nodes = order.map { index in
      var node = graph.nodes[index]
      node.inputs = node.inputs.map(moved)
      return node
    }
    graph.outputs = graph.outputs.map { .init($0.output, moved($0.value)) }
    origins = order.map { origins[$0] }
    costs = order.map { costs[$0] }
    joined = Set(joined.map { number[$0] ?? $0 })
    roles = Dictionary(uniqueKeysWithValues: roles.map { (number[$0.key] ?? $0.key, $0.value) })
    finishes = Dictionary(
      uniqueKeysWithValues: finishes.map { (number[$0.key] ?? $0.key, $0.value) })
  }
}
