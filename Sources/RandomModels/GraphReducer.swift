import GraphIR

/// Makes a graph smaller while something stays true of it, as of a graph that is compiled wrongly.
public struct GraphReducer {
  private let isWrong: (Graph) -> Bool

  /// - Parameter isWrong: what must stay true; it is asked often.
  public init(while isWrong: @escaping (Graph) -> Bool) { self.isWrong = isWrong }

  /// Leaves out nodes for which an operand, or one of an operand's, can stand, and shortens axes, as long as either helps.
  public func reduced(_ graph: Graph) -> Graph {
    var smallest = graph
    while let smaller = withoutNode(smallest) ?? withShorterAxis(smallest) { smallest = smaller }
    return smallest
  }

  private func withoutNode(_ graph: Graph) -> Graph? {
    for index in graph.nodes.indices.reversed() {
      let node = graph.nodes[index]
      // Heads that are cut and merged again have the type that was cut, two steps before.
      let before = node.inputs + node.inputs.flatMap { graph.nodes[$0.node].inputs }
      for operand in before where graph.type(of: operand) == node.types[0] {
        let smaller = graph.replacing(Value(node: index), by: operand)
        if (try? Verifier.verify(smaller)) != nil, isWrong(smaller) { return smaller }
      }
    }
    return nil
  }

  private func withShorterAxis(_ graph: Graph) -> Graph? {
    for sizes in shorter(graph.symbols) {
      guard let smaller = try? graph.resized(sizes), (try? Verifier.verify(smaller)) != nil else {
        continue
      }
      if isWrong(smaller) { return smaller }
    }
    return nil
  }

  /// New sizes: of one axis, or of one and of another that is a product with it, as widths are of heads.
  private func shorter(_ symbols: [GraphIR.Axis.Symbol]) -> [[String: Int]] {
    symbols.flatMap { symbol in
      let alone = [1, 2, symbol.size / 2, symbol.size - 1]
        .filter { $0 > 0 && $0 < symbol.size }.map { [symbol.name: $0] }
      let products = symbols.filter {
        symbol.size > 1 && $0.name != symbol.name && $0.size % symbol.size == 0
      }
      return alone + products.map { [symbol.name: 1, $0.name: $0.size / symbol.size] }
    }
  }
}

extension Graph {
  /// The graph with one value read in another's place, without what its outputs do not need then.
  fileprivate func replacing(_ old: Value, by new: Value) -> Graph {
    var result = self
    let moved = { (value: Value) in value == old ? new : value }
    for index in nodes.indices { result.nodes[index].inputs = nodes[index].inputs.map(moved) }
    result.outputs = outputs.map { .init($0.output, moved($0.value)) }
    return result.onlyNeeded
  }

  private var onlyNeeded: Graph {
    var isNeeded = nodes.map { _ in false }
    for binding in outputs { isNeeded[binding.value.node] = true }
    for index in nodes.indices.reversed() where isNeeded[index] {
      for input in nodes[index].inputs { isNeeded[input.node] = true }
    }
    let kept = nodes.indices.filter { isNeeded[$0] }
    let number = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    let moved = { (value: Value) in
      Value(node: number[value.node] ?? value.node, result: value.result)
    }
    var result = self
    result.nodes = kept.map { index in
      var node = nodes[index]
      node.inputs = node.inputs.map(moved)
      return node
    }
    result.outputs = outputs.map { .init($0.output, moved($0.value)) }
    return result
  }
}
