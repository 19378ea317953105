import GraphIR

extension Graph {
  /// Per node: whether an output depends on it.
  var neededNodes: [Bool] {
    var isNeeded = [Bool](repeating: false, count: nodes.count)
    for binding in outputs { isNeeded[binding.value.node] = true }
    for index in nodes.indices.reversed() where isNeeded[index] {
      for input in nodes[index].inputs { isNeeded[input.node] = true }
    }
    return isNeeded
  }

  /// How many inputs of needed nodes and outputs use each value.
  var neededUseCounts: [Value: Int] {
    var counts: [Value: Int] = [:]
    for (node, isNeeded) in zip(nodes, neededNodes) where isNeeded {
      for input in node.inputs { counts[input, default: 0] += 1 }
    }
    for binding in outputs { counts[binding.value, default: 0] += 1 }
    return counts
  }
}

extension Node {
  /// The use of `layers` that the node lies in: `block.3` for `block.3.mixture.up`, nil outside.
  ///
  /// Names begin with a letter, so that a number in a path is the number of a layer. No pass moves
  /// work from one layer to another: then equal layers would not be equal any more, and no longer
  /// one C function.
  var layer: Substring? {
    let parts = scope.split(separator: ".")
    guard let last = parts.lastIndex(where: { Int($0) != nil }) else { return nil }
    return scope[..<parts[last].endIndex]
  }
}
