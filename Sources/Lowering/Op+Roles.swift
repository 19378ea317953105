import GraphIR

extension Op {
  /// The roles of a node's operands, in the order in which graphs have them.
  public func operandRoles(_ types: [TensorType]) -> [Role] {
    let start: [Role] = types.first?.experts == nil ? [] : [.start]
    switch self {
    case .input, .parameter: return []
    case .pointwise: return types.map { _ in .operand }
    case .sum, .transpose, .softmax, .splitHeads, .mergeHeads, .causalMask: return [.operand]
    case .embedding: return [.ids, .table]
    case .embeddingGradient: return [.ids, .gradient]
    case .linear(let op): return [.rows, .weights] + (op.bias ? [.bias] : []) + start
    case .linearInputGradient: return [.gradient, .weights] + start
    case .linearWeightGradient: return [.gradient, .rows] + start
    case .matmul: return [.left, .right]
    case .layerNorm: return [.rows, .weights, .bias]
    case .layerNormGradient: return [.gradient, .rows, .weights, .mean, .deviation]
    case .softmaxGradient: return [.gradient, .output]
    case .attention: return [.queries, .keys, .values]
    case .attentionGradient:
      return [.gradient, .output, .queries, .keys, .values, .maximum, .sum]
    case .top: return [.logits]
    case .topGradient: return [.gradient, .choice]
    case .route: return [.choice]
    case .dispatch: return [.rows, .start, .source, .slot]
    case .dispatchGradient: return [.gradient, .slot]
    case .combine: return [.rows, .gates, .slot]
    case .combineGradient: return [.gradient, .rows, .gates, .slot]
    case .crossEntropy: return [.logits, .targets]
    case .crossEntropyGradient: return [.gradient, .logits, .maximum, .sum, .targets]
    }
  }

  /// The roles of a node's results, in the order in which graphs have them.
  public var resultRoles: [Role] {
    switch self {
    case .input, .parameter, .pointwise, .sum, .embedding, .linear, .matmul, .transpose, .softmax,
      .splitHeads, .mergeHeads, .causalMask, .dispatch, .combine:
      [.output]
    case .embeddingGradient: [.table]
    case .linearInputGradient, .dispatchGradient: [.rows]
    case .linearWeightGradient(let op): [.weights] + (op.bias ? [.bias] : [])
    case .layerNorm: [.output, .mean, .deviation]
    case .layerNormGradient: [.rows, .weights, .bias]
    case .softmaxGradient: [.operand]
    case .attention: [.output, .maximum, .sum]
    case .attentionGradient: [.queries, .keys, .values]
    case .top: [.output, .choice]
    case .topGradient, .crossEntropyGradient: [.logits]
    case .route: [.start, .source, .slot]
    case .combineGradient: [.rows, .gates]
    case .crossEntropy: [.output, .maximum, .sum]
    }
  }
}
