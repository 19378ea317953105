/// Every operation a graph can contain: sources, dense, attention, mixture, loss, gradients.
public enum Op: Hashable, Sendable {
  case input(Input)  // tokens, targets, positions, beginnings of documents
  case parameter(Parameter)  // a learned tensor

  case pointwise(Pointwise)  // y = f(x₀, x₁, …), elementwise
  case sum(Sum)  // over the axes that a broadcast added
  case embedding(Embedding)  // y = table[ids]
  case numbers(Numbers)  // whole numbers as floats
  case indices(Indices)  // 0, 1, … along an axis
  case documentPositions(DocumentPositions)  // positions from the beginning of a document
  case linear(Linear)  // y = x wᵀ + b, one w for all rows or one per expert
  case matmul(Matmul)  // c = a b for each matrix of a batch
  case transpose(Transpose)  // the last two axes change places
  case reshape(Reshape)  // other last axes, the same numbers
  case slice(Slice)  // some neighbouring columns
  case pad(Pad)  // columns among zeros
  case concatenate(Concatenate)  // rows side by side
  case layerNorm(LayerNorm)  // y = (x - mean) rstd w + b
  case rmsNorm(RMSNorm)  // y = x rstd w
  case softmax(Softmax)  // over the last axis

  case splitHeads(SplitHeads)  // [B, T, C] -> [B, H, T, D]
  case mergeHeads(MergeHeads)  // [B, H, T, D] -> [B, T, C]
  case rotary(Rotary)  // pairs of a head's numbers turned by position
  case causalMask(CausalMask)  // keys after the query become fill
  case attention(Attention)  // softmax(scale q kᵀ, causal) v, with dropout

  case top(Top)  // the K largest logits of each token
  case route(Route)  // sorts (token, choice) pairs by expert
  case kept(Kept)  // which choices have a row
  case gather(Gather)  // a few numbers of each row, by index
  case scatter(Scatter)  // numbers put where indices say, among zeros
  case dispatch(Dispatch)  // copies tokens to their experts' rows
  case combine(Combine)  // sums the experts' rows of each token, weighted
  case exchangeCounts(ExchangeCounts)  // how many rows ranks send each other
  case exchangeRows(ExchangeRows)  // rows to the ranks of their experts, and back

  case counted(Counted)  // which targets are not ignored
  case crossEntropy(CrossEntropy)  // mean of log Σ exp(logits) - logits[target]
  case linearCrossEntropy(LinearCrossEntropy)  // the same of logits that are made part by part

  case embeddingGradient(EmbeddingGradient)
  case linearInputGradient(LinearInputGradient)
  case linearWeightGradient(LinearWeightGradient)
  case layerNormGradient(LayerNormGradient)
  case rmsNormGradient(RMSNormGradient)
  case softmaxGradient(SoftmaxGradient)
  case attentionGradient(AttentionGradient)
  case attentionSinkGradient(AttentionSinkGradient)
  case topGradient(TopGradient)
  case dispatchGradient(DispatchGradient)
  case combineGradient(CombineGradient)
  case crossEntropyGradient(CrossEntropyGradient)
  case linearCrossEntropyGradient(LinearCrossEntropyGradient)
}

/// The kinds of ops; the raw value is the op's name in text and the base name of its kernel.
public enum OpKind: String, Hashable, Sendable, CaseIterable {
  case input, parameter
  case pointwise, sum, embedding, numbers, indices, documentPositions
  case linear, matmul, transpose
  case reshape, slice, pad, concatenate
  case layerNorm, rmsNorm
  case softmax
  case splitHeads, mergeHeads, rotary, causalMask, attention
  case top, route, kept, gather, scatter, dispatch, combine, exchangeCounts, exchangeRows
  case counted, crossEntropy, linearCrossEntropy
  case embeddingGradient, linearInputGradient, linearWeightGradient, layerNormGradient
  case rmsNormGradient
  case softmaxGradient, attentionGradient, attentionSinkGradient, topGradient, dispatchGradient
  case combineGradient
  case crossEntropyGradient, linearCrossEntropyGradient
}

extension Op {
  /// The op's own struct.
  public var operation: any Operation {
    switch side {
    case .forward(let op): op
    case .gradient(let op): op
    }
  }

  /// The op as one that models are written in; nil for gradient ops.
  public var forward: (any ForwardOperation)? {
    if case .forward(let op) = side { op } else { nil }
  }

  /// The op as one that computes gradients; nil for those that models are written in.
  public var gradient: (any GradientOperation)? {
    if case .gradient(let op) = side { op } else { nil }
  }

  public var kind: OpKind { type(of: operation).kind }

  /// The op's name in text.
  public var mnemonic: String { kind.rawValue }

  /// The op drawing from other streams.
  public func mappingStreams(_ number: (Int) -> Int) -> Op {
    operation.mappingStreams(number).op
  }

  /// The op with other axes of its own.
  public func mappingAxes(_ transform: (Axis) -> Axis) -> Op {
    operation.mappingAxes(transform).op
  }

  private enum Side {
    case forward(any ForwardOperation)
    case gradient(any GradientOperation)
  }

  private var side: Side {
    switch self {
    case .input(let op): .forward(op)
    case .parameter(let op): .forward(op)
    case .pointwise(let op): .forward(op)
    case .sum(let op): .forward(op)
    case .embedding(let op): .forward(op)
    case .numbers(let op): .forward(op)
    case .indices(let op): .forward(op)
    case .documentPositions(let op): .forward(op)
    case .linear(let op): .forward(op)
    case .matmul(let op): .forward(op)
    case .transpose(let op): .forward(op)
    case .reshape(let op): .forward(op)
    case .slice(let op): .forward(op)
    case .pad(let op): .forward(op)
    case .concatenate(let op): .forward(op)
    case .layerNorm(let op): .forward(op)
    case .rmsNorm(let op): .forward(op)
    case .softmax(let op): .forward(op)
    case .splitHeads(let op): .forward(op)
    case .mergeHeads(let op): .forward(op)
    case .rotary(let op): .forward(op)
    case .causalMask(let op): .forward(op)
    case .attention(let op): .forward(op)
    case .top(let op): .forward(op)
    case .route(let op): .forward(op)
    case .kept(let op): .forward(op)
    case .gather(let op): .forward(op)
    case .scatter(let op): .forward(op)
    case .dispatch(let op): .forward(op)
    case .combine(let op): .forward(op)
    case .exchangeCounts(let op): .forward(op)
    case .exchangeRows(let op): .forward(op)
    case .counted(let op): .forward(op)
    case .crossEntropy(let op): .forward(op)
    case .linearCrossEntropy(let op): .forward(op)
    case .embeddingGradient(let op): .gradient(op)
    case .linearInputGradient(let op): .gradient(op)
    case .linearWeightGradient(let op): .gradient(op)
    case .layerNormGradient(let op): .gradient(op)
    case .rmsNormGradient(let op): .gradient(op)
    case .softmaxGradient(let op): .gradient(op)
    case .attentionGradient(let op): .gradient(op)
    case .attentionSinkGradient(let op): .gradient(op)
    case .topGradient(let op): .gradient(op)
    case .dispatchGradient(let op): .gradient(op)
    case .combineGradient(let op): .gradient(op)
    case .crossEntropyGradient(let op): .gradient(op)
    case .linearCrossEntropyGradient(let op): .gradient(op)
    }
  }
}

extension OpKind {
  /// The struct that ops of this kind are.
  public var type: any Operation.Type {
    switch self {
    case .input: Input.self
    case .parameter: Parameter.self
    case .pointwise: Pointwise.self
    case .sum: Sum.self
    case .embedding: Embedding.self
    case .numbers: Numbers.self
    case .indices: Indices.self
    case .documentPositions: DocumentPositions.self
    case .linear: Linear.self
    case .matmul: Matmul.self
    case .transpose: Transpose.self
    case .reshape: Reshape.self
    case .slice: Slice.self
    case .pad: Pad.self
    case .concatenate: Concatenate.self
    case .layerNorm: LayerNorm.self
    case .rmsNorm: RMSNorm.self
    case .softmax: Softmax.self
    case .splitHeads: SplitHeads.self
    case .mergeHeads: MergeHeads.self
    case .rotary: Rotary.self
    case .causalMask: CausalMask.self
    case .attention: Attention.self
    case .top: Top.self
    case .route: Route.self
    case .kept: Kept.self
    case .gather: Gather.self
    case .scatter: Scatter.self
    case .dispatch: Dispatch.self
    case .combine: Combine.self
    case .exchangeCounts: ExchangeCounts.self
    case .exchangeRows: ExchangeRows.self
    case .counted: Counted.self
    case .crossEntropy: CrossEntropy.self
    case .linearCrossEntropy: LinearCrossEntropy.self
    case .embeddingGradient: EmbeddingGradient.self
    case .linearInputGradient: LinearInputGradient.self
    case .linearWeightGradient: LinearWeightGradient.self
    case .layerNormGradient: LayerNormGradient.self
    case .rmsNormGradient: RMSNormGradient.self
    case .softmaxGradient: SoftmaxGradient.self
    case .attentionGradient: AttentionGradient.self
    case .attentionSinkGradient: AttentionSinkGradient.self
    case .topGradient: TopGradient.self
    case .dispatchGradient: DispatchGradient.self
    case .combineGradient: CombineGradient.self
    case .crossEntropyGradient: CrossEntropyGradient.self
    case .linearCrossEntropyGradient: LinearCrossEntropyGradient.self
    }
  }

  /// The op of this kind with the attributes that a text gives.
  func make(_ attributes: Attributes) throws(Mismatch) -> Op {
    var reader = AttributeReader(rawValue, attributes)
    let operation: any Operation = try type.init(&reader)
    try reader.finish()
    return operation.op
  }

  /// Every sample of every op.
  public static var allSamples: [Sample] { allCases.flatMap { $0.type.samples } }
}
