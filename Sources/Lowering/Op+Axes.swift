import GraphIR

extension Op {
  /// The op with other axes of its own.
  public func mapAxes(_ transform: (Axis) -> Axis) -> Op {
    switch self {
    case .sum(let op): return .sum(Sum(to: op.axes.map(transform)))
    case .splitHeads(let op):
      return .splitHeads(SplitHeads(heads: transform(op.heads), depth: transform(op.depth)))
    case .mergeHeads(let op): return .mergeHeads(MergeHeads(width: transform(op.width)))
    case .attention(var op):
      op.heads = transform(op.heads)
      return .attention(op)
    case .attentionGradient(var op):
      op.heads = transform(op.heads)
      return .attentionGradient(op)
    case .top(let op): return .top(Top(chosen: transform(op.chosen)))
    case .topGradient(let op): return .topGradient(TopGradient(experts: transform(op.experts)))
    case .route(let op):
      return .route(Route(experts: transform(op.experts), capacity: op.capacity))
    case .embeddingGradient(let op):
      return .embeddingGradient(EmbeddingGradient(entries: transform(op.entries)))
    case .input(let op): return .input(Input(op.kind, op.axes.map(transform)))
    case .parameter(var op):
      op.axes = op.axes.map(transform)
      return .parameter(op)
    case .pointwise, .embedding, .linear, .matmul, .transpose, .layerNorm, .softmax, .causalMask,
      .dispatch, .combine, .crossEntropy, .linearInputGradient, .linearWeightGradient,
      .layerNormGradient, .softmaxGradient, .dispatchGradient, .combineGradient,
      .crossEntropyGradient:
      return self
    }
  }
}
