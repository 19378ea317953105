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
