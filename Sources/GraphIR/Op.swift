/// Every operation a graph can contain: sources, dense, attention, mixture, loss, gradients.
public enum Op: Hashable, Sendable {
  case input(Input)  // tokens, targets, positions
  case parameter(Parameter)  // a learned tensor

  case pointwise(Pointwise)  // y = f(x₀, x₁, …), elementwise
  case sum(Sum)  // over the axes that a broadcast added
  case embedding(Embedding)  // y = table[ids]
  case linear(Linear)  // y = x wᵀ + b, one w for all rows or one per expert
  case matmul(Matmul)  // c = a b for each matrix of a batch
  case transpose(Transpose)  // the last two axes change places
  case layerNorm(LayerNorm)  // y = (x - mean) rstd w + b
  case softmax(Softmax)  // over the last axis

  case splitHeads(SplitHeads)  // [B, T, C] -> [B, H, T, D]
  case mergeHeads(MergeHeads)  // [B, H, T, D] -> [B, T, C]
  case causalMask(CausalMask)  // keys after the query become fill
  case attention(Attention)  // softmax(scale q kᵀ, causal) v, with dropout

  case top(Top)  // the K largest logits of each token
  case route(Route)  // sorts (token, choice) pairs by expert
  case dispatch(Dispatch)  // copies tokens to their experts' rows
  case combine(Combine)  // sums the experts' rows of each token, weighted

  case crossEntropy(CrossEntropy)  // mean of log Σ exp(logits) - logits[target]

  case embeddingGradient(EmbeddingGradient)
  case linearInputGradient(LinearInputGradient)
  case linearWeightGradient(LinearWeightGradient)
  case layerNormGradient(LayerNormGradient)
  case softmaxGradient(SoftmaxGradient)
  case attentionGradient(AttentionGradient)
  case topGradient(TopGradient)
  case dispatchGradient(DispatchGradient)
  case combineGradient(CombineGradient)
  case crossEntropyGradient(CrossEntropyGradient)
}

/// The kinds of ops; the raw value is the op's name in text and the base name of its kernel.
public enum OpKind: String, Hashable, Sendable, CaseIterable {
  case input, parameter
  case pointwise, sum, embedding, linear, matmul, transpose, layerNorm, softmax
  case splitHeads, mergeHeads, causalMask, attention
  case top, route, dispatch, combine
  case crossEntropy
  case embeddingGradient, linearInputGradient, linearWeightGradient, layerNormGradient
  case softmaxGradient, attentionGradient, topGradient, dispatchGradient, combineGradient
  case crossEntropyGradient
}

extension Op {
  /// The op's own struct.
  public var operation: any Operation {
    switch self {
    case .input(let op): op
    case .parameter(let op): op
    case .pointwise(let op): op
    case .sum(let op): op
    case .embedding(let op): op
    case .linear(let op): op
    case .matmul(let op): op
    case .transpose(let op): op
    case .layerNorm(let op): op
    case .softmax(let op): op
    case .splitHeads(let op): op
    case .mergeHeads(let op): op
    case .causalMask(let op): op
    case .attention(let op): op
    case .top(let op): op
    case .route(let op): op
    case .dispatch(let op): op
    case .combine(let op): op
    case .crossEntropy(let op): op
    case .embeddingGradient(let op): op
    case .linearInputGradient(let op): op
    case .linearWeightGradient(let op): op
    case .layerNormGradient(let op): op
    case .softmaxGradient(let op): op
    case .attentionGradient(let op): op
    case .topGradient(let op): op
    case .dispatchGradient(let op): op
    case .combineGradient(let op): op
    case .crossEntropyGradient(let op): op
    }
  }

  /// The op as one through which gradients flow; nil for sources and gradient ops.
  public var differentiable: (any DifferentiableOperation)? {
    operation as? any DifferentiableOperation
  }

  public var kind: OpKind {
    switch self {
    case .input: .input
    case .parameter: .parameter
    case .pointwise: .pointwise
    case .sum: .sum
    case .embedding: .embedding
    case .linear: .linear
    case .matmul: .matmul
    case .transpose: .transpose
    case .layerNorm: .layerNorm
    case .softmax: .softmax
    case .splitHeads: .splitHeads
    case .mergeHeads: .mergeHeads
    case .causalMask: .causalMask
    case .attention: .attention
    case .top: .top
    case .route: .route
    case .dispatch: .dispatch
    case .combine: .combine
    case .crossEntropy: .crossEntropy
    case .embeddingGradient: .embeddingGradient
    case .linearInputGradient: .linearInputGradient
    case .linearWeightGradient: .linearWeightGradient
    case .layerNormGradient: .layerNormGradient
    case .softmaxGradient: .softmaxGradient
    case .attentionGradient: .attentionGradient
    case .topGradient: .topGradient
    case .dispatchGradient: .dispatchGradient
    case .combineGradient: .combineGradient
    case .crossEntropyGradient: .crossEntropyGradient
    }
  }

  /// The op's name in text.
  public var mnemonic: String { kind.rawValue }
}

extension OpKind {
  /// The op of this kind with the attributes that a text gives.
  func make(_ attributes: Attributes) throws(Mismatch) -> Op {
    var reader = AttributeReader(rawValue, attributes)
    let op = try make(&reader)
    try reader.finish()
    return op
  }

  private func make(_ reader: inout AttributeReader) throws(Mismatch) -> Op {
    switch self {
    case .input: .input(try Input(&reader))
    case .parameter: .parameter(try Parameter(&reader))
    case .pointwise: .pointwise(try Pointwise(&reader))
    case .sum: .sum(try Sum(&reader))
    case .embedding: .embedding(try Embedding(&reader))
    case .linear: .linear(try Linear(&reader))
    case .matmul: .matmul(try Matmul(&reader))
    case .transpose: .transpose(try Transpose(&reader))
    case .layerNorm: .layerNorm(try LayerNorm(&reader))
    case .softmax: .softmax(try Softmax(&reader))
    case .splitHeads: .splitHeads(try SplitHeads(&reader))
    case .mergeHeads: .mergeHeads(try MergeHeads(&reader))
    case .causalMask: .causalMask(try CausalMask(&reader))
    case .attention: .attention(try Attention(&reader))
    case .top: .top(try Top(&reader))
    case .route: .route(try Route(&reader))
    case .dispatch: .dispatch(try Dispatch(&reader))
    case .combine: .combine(try Combine(&reader))
    case .crossEntropy: .crossEntropy(try CrossEntropy(&reader))
    case .embeddingGradient: .embeddingGradient(try EmbeddingGradient(&reader))
    case .linearInputGradient: .linearInputGradient(try LinearInputGradient(&reader))
    case .linearWeightGradient: .linearWeightGradient(try LinearWeightGradient(&reader))
    case .layerNormGradient: .layerNormGradient(try LayerNormGradient(&reader))
    case .softmaxGradient: .softmaxGradient(try SoftmaxGradient(&reader))
    case .attentionGradient: .attentionGradient(try AttentionGradient(&reader))
    case .topGradient: .topGradient(try TopGradient(&reader))
    case .dispatchGradient: .dispatchGradient(try DispatchGradient(&reader))
    case .combineGradient: .combineGradient(try CombineGradient(&reader))
    case .crossEntropyGradient: .crossEntropyGradient(try CrossEntropyGradient(&reader))
    }
  }

  /// The samples of the op's file.
  public var samples: [Sample] {
    switch self {
    case .input: Input.samples
    case .parameter: Parameter.samples
    case .pointwise: Pointwise.samples
    case .sum: Sum.samples
    case .embedding: Embedding.samples
    case .linear: Linear.samples
    case .matmul: Matmul.samples
    case .transpose: Transpose.samples
    case .layerNorm: LayerNorm.samples
    case .softmax: Softmax.samples
    case .splitHeads: SplitHeads.samples
    case .mergeHeads: MergeHeads.samples
    case .causalMask: CausalMask.samples
    case .attention: Attention.samples
    case .top: Top.samples
    case .route: Route.samples
    case .dispatch: Dispatch.samples
    case .combine: Combine.samples
    case .crossEntropy: CrossEntropy.samples
    case .embeddingGradient: EmbeddingGradient.samples
    case .linearInputGradient: LinearInputGradient.samples
    case .linearWeightGradient: LinearWeightGradient.samples
    case .layerNormGradient: LayerNormGradient.samples
    case .softmaxGradient: SoftmaxGradient.samples
    case .attentionGradient: AttentionGradient.samples
    case .topGradient: TopGradient.samples
    case .dispatchGradient: DispatchGradient.samples
    case .combineGradient: CombineGradient.samples
    case .crossEntropyGradient: CrossEntropyGradient.samples
    }
  }

  /// Every sample of every op.
  public static var allSamples: [Sample] { allCases.flatMap(\.samples) }
}
