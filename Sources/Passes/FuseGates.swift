import GraphIR

extension Pass {
  /// Makes one op of a product and an activation that it alone reads, as in `silu(gate) * up`.
  ///
  ///     y = silu(gate) * up    d_up = silu(gate) * d_y    d_gate = silu'(gate) * up * d_y
  ///
  /// Backward of the two ops would read `gate`, `silu(gate)` and `up`; of the one it reads `gate` and `up`, and
  /// computes the activation again: a value less to keep, and a loop less in forward.
  ///
  /// Requires: no gradients. Ensures: the same numbers; what has random numbers draws them once; what backward would
  /// read of an op it reads of that op's operands only where it reads those anyway.
  public static let fuseGates = Pass(
    "FuseGates", "makes one op of a product and the activation that it alone reads"
  ) { graph in
    fusingPointwise(graph) { inner, outer, operand in
      inner.streams.isEmpty && inner.isReadAgainByOperands && outer.gradients(read: operand)
    }
  }
}

extension ScalarExpression {
  /// Whether the gradient of this reads all its operands, and not its result in place of them.
  fileprivate var isReadAgainByOperands: Bool {
    if derivativeByOutput != nil { return false }
    let read = inputs.reduce(into: Set<Int>()) { $0.formUnion(derivative(by: $1).inputs) }
    return !inputs.isEmpty && read.isSuperset(of: inputs)
  }

  /// Whether a gradient of another operand reads this one.
  fileprivate func gradients(read operand: Int) -> Bool {
    inputs.contains { $0 != operand && derivative(by: $0).inputs.contains(operand) }
  }
}
