import GraphIR

extension Graph {
  /// The names of parameters whose gradient is not there, or 0 whatever the numbers.
  var parametersWithoutGradient: Set<String> {
    let zeros = zeroGradients
    return Set(
      parameters.map(\.parameter.name).filter { name in
        self[.gradient(parameter: name)].map { zeros[$0.node] } ?? true
      })
  }

  /// For each node, whether it belongs to backward and all its results are 0: what cancelled out, as
  /// in `y - y`, and whatever is found from that.
  private var zeroGradients: [Bool] {
    var isZero = nodes.map { _ in false }
    for (index, node) in nodes.enumerated() where node.phase == .backward {
      if case .pointwise(let op) = node.op {
        let expression = op.expression.substituting { input in
          isZero[node.inputs[input].node] ? .constant(0) : .input(input)
        }
        isZero[index] = expression.simplified == .constant(0)
      } else {
        // Every other op of backward is linear in the gradients that it reads.
        let gradients = node.inputs.filter { nodes[$0.node].phase == .backward }
        isZero[index] = !gradients.isEmpty && gradients.allSatisfy { isZero[$0.node] }
      }
    }
    return isZero
  }
}
