import GraphIR

/// The operands of a pointwise op, reduced to those it needs.
struct PointwiseOperands {
  private let values: [Value]
  private let types: [TensorType]
  private let result: TensorType

  /// - Parameter result: the result's type, which the operands that stay must still give.
  init(_ values: [Value], _ types: [TensorType], result: TensorType) {
    self.values = values
    self.types = types
    self.result = result
  }

  /// The expression over the operands that it reads, each listed once in the order of reading,
  /// followed by one that gives the result its shape where those read do not.
  func compacted(_ expression: ScalarExpression) -> (ScalarExpression, [Value]) {
    let simplified = expression.simplified
    var needed: [Value] = []
    var givesShape = false
    simplified.visit { part in
      guard case .input(let index) = part, !needed.contains(values[index]) else { return }
      needed.append(values[index])
      givesShape = givesShape || types[index] == result
    }
    let renumbered = simplified.substituting { index in
      .input(needed.firstIndex(of: values[index]) ?? 0)
    }
    if !givesShape, let shape = types.firstIndex(of: result) { needed.append(values[shape]) }
    return (renumbered, needed)
  }
}
