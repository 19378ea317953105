import GraphIR

extension OpKind {
  /// Whether the op works on each sequence by itself where its results are by sequence.
  public var mayKeepSequencesApart: Bool {
    switch self {
    case .pointwise, .sum, .embedding, .linear, .matmul, .transpose, .layerNorm, .softmax,
      .splitHeads, .mergeHeads, .causalMask, .attention, .top, .combine, .linearInputGradient,
      .layerNormGradient, .softmaxGradient, .attentionGradient, .topGradient, .dispatchGradient:
      true
    case .input, .parameter, .route, .dispatch, .crossEntropy, .embeddingGradient,
      .linearWeightGradient, .combineGradient:
      false
    // Divided by the number of all tokens, which a thread's own are not.
    case .crossEntropyGradient: false
    }
  }

  /// Whether the op finds the rows of its tokens among those of all.
  public var readsRowsOfTokens: Bool { self == .combine || self == .dispatchGradient }

  /// Whether the op makes gradients of parameters alone, summed over all rows.
  var isParameterGradient: Bool {
    switch self {
    case .linearWeightGradient, .layerNormGradient, .embeddingGradient, .sum: true
    case .input, .parameter, .pointwise, .embedding, .linear, .matmul, .transpose, .layerNorm,
      .softmax, .splitHeads, .mergeHeads, .causalMask, .attention, .top, .route, .dispatch,
      .combine, .crossEntropy, .linearInputGradient, .softmaxGradient, .attentionGradient,
      .topGradient, .dispatchGradient, .combineGradient, .crossEntropyGradient:
      false
    }
  }
}
