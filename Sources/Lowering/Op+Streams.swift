import GraphIR

extension Op {
  /// The random streams that an op draws from.
  public var streams: [Int] {
    switch self {
    case .pointwise(let op): op.expression.streams
    case .attention(let op): op.rate > 0 ? [op.stream] : []
    case .attentionGradient(let op): op.rate > 0 ? [op.stream] : []
    case .input, .parameter, .sum, .embedding, .linear, .matmul, .transpose, .layerNorm, .softmax,
      .splitHeads, .mergeHeads, .causalMask, .top, .route, .dispatch, .combine, .crossEntropy,
      .embeddingGradient, .linearInputGradient, .linearWeightGradient, .layerNormGradient,
      .softmaxGradient, .topGradient, .dispatchGradient, .combineGradient, .crossEntropyGradient:
      []
    }
  }

  /// The op with its streams counted from the layer's first, so that uses of a layer look alike.
  public func countingStreams(from first: Int) -> Op {
    switch self {
    case .pointwise(let op):
      return .pointwise(Pointwise(op.expression.countingStreams(from: first)))
    case .attention(var op):
      op.stream = op.rate > 0 ? op.stream - first : 0
      return .attention(op)
    case .attentionGradient(var op):
      op.stream = op.rate > 0 ? op.stream - first : 0
      return .attentionGradient(op)
    case .input, .parameter, .sum, .embedding, .linear, .matmul, .transpose, .layerNorm, .softmax,
      .splitHeads, .mergeHeads, .causalMask, .top, .route, .dispatch, .combine, .crossEntropy,
      .embeddingGradient, .linearInputGradient, .linearWeightGradient, .layerNormGradient,
      .softmaxGradient, .topGradient, .dispatchGradient, .combineGradient, .crossEntropyGradient:
      return self
    }
  }
}

extension ScalarExpression {
  public func countingStreams(from first: Int) -> ScalarExpression {
    switch self {
    case .input, .constant: self
    case .normal(let stream): .normal(stream: stream - first)
    case .keep(let stream, let rate): .keep(stream: stream - first, rate: rate)
    case .unary(let function, let a): .unary(function, a.countingStreams(from: first))
    case .binary(let function, let a, let b):
      .binary(function, a.countingStreams(from: first), b.countingStreams(from: first))
    }
  }
}
