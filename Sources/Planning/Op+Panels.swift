import GraphIR

// What the planner asks of the ops whose kernels multiply rows and weights.
extension Op {
  /// Whether its kernel reads weights as panels.
  var readsPanels: Bool {
    switch kind {
    case .linear, .linearInputGradient, .linearCrossEntropy, .linearCrossEntropyGradient: true
    case _: false
    }
  }

  /// Whether its kernel makes the gradient of weights as panels.
  var makesPanels: Bool { kind == .linearWeightGradient || kind == .linearCrossEntropyGradient }

  /// What its kernel makes for itself alone, for rows of a type: of each a part of the logits, and what that leaves, a
  /// logit or the gradient of the row.
  func room(_ rows: TensorType) -> TensorType? {
    switch self {
    case .linearCrossEntropy(let op):
      rows.replacingLast(with: Self.columns(op.part + 1))
    case .linearCrossEntropyGradient(let op):
      rows.replacingLast(with: Self.columns(op.part + rows.width))
    case _: nil
    }
  }

  /// An axis of no model: those of one name have one size.
  private static func columns(_ count: Int) -> Axis { Axis("columns_\(count)", count) }
}
