import GraphIR
import Lowering
import Planning

/// What ops compute, for a reader.
public enum Formulas {
  /// The formula of a call, its last step included.
  public static func formula(_ call: Call) -> String {
    call.action.formula + (call.finish.map { ", then \($0.expression) of it" } ?? "")
  }

  /// The formula of an op; a pointwise op's own expression.
  static func formula(_ op: Op) -> String {
    if case .pointwise(let op) = op { return "y = \(op.expression)" }
    return type(of: op.operation).formula
  }

  /// How gradients pass an op, a formula for each op that backward may take; empty where none do.
  static func gradients(_ op: Op) -> [String] {
    switch op {
    case .pointwise(let op): return gradients(op)
    case .linear: return [LinearInputGradient.formula, LinearWeightGradient.formula]
    case .embedding: return [EmbeddingGradient.formula]
    case .layerNorm: return [LayerNormGradient.formula]
    case .softmax: return [SoftmaxGradient.formula]
    case .attention: return [AttentionGradient.formula]
    case .top: return [TopGradient.formula]
    case .dispatch: return [DispatchGradient.formula]
    case .combine: return [CombineGradient.formula]
    case .crossEntropy: return [CrossEntropyGradient.formula]
    case .sum: return ["dx = dy, repeated along the axes that were summed"]
    case .matmul: return ["da = dc b^T, db = a^T dc, each transposed as a and b are"]
    case .transpose: return ["dx = dy, its last two axes exchanged"]
    case .splitHeads: return ["dx = dy, heads side by side"]
    case .mergeHeads: return ["dx = dy, head by head"]
    case .causalMask: return ["dx = dy up to the query, 0 after it"]
    case .input, .parameter, .route, .embeddingGradient, .linearInputGradient,
      .linearWeightGradient, .layerNormGradient, .softmaxGradient, .attentionGradient,
      .topGradient, .dispatchGradient, .combineGradient, .crossEntropyGradient:
      return []
    }
  }

  private static func gradients(_ op: Pointwise) -> [String] {
    op.expression.inputs.compactMap { input in
      switch op.expression.derivative(by: input) {
      case .constant(0): return nil
      case .constant(1): return "dx\(input) = dy"
      case let derivative: return "dx\(input) = dy * \(factor(derivative))"
      }
    }
  }

  /// An expression as it stands after a `*`.
  private static func factor(_ expression: ScalarExpression) -> String {
    if case .binary = expression { return "(\(expression))" }
    return "\(expression)"
  }

  /// What tells one op from others of its kind at a glance; empty where the kind says it all.
  static func detail(_ op: Op) -> String {
    if case .pointwise(let op) = op { return "\(op.expression)" }
    if case .parameter(let parameter) = op { return "\(parameter.initializer)" }
    return ""
  }
}
