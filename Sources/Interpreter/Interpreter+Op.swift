import GraphIR

extension Interpreter {
  /// The results of one node.
  func evaluate(_ site: Site) throws(Diagnostic) -> [TensorValue] {
    switch site.node.op {
    case .input(let op): [try input(op, site)]
    case .parameter(let op): [try parameter(op, site)]
    case .pointwise(let op): [pointwise(op, site)]
    case .sum(let op): [sum(op, site)]
    case .embedding: [try embedding(site)]
    case .embeddingGradient(let op): [embeddingGradient(op, site)]
    case .numbers(let op): [numbers(op, site)]
    case .indices(let op): [indices(op)]
    case .documentPositions: [documentPositions(site)]
    case .linear(let op): [linear(op, site)]
    case .linearInputGradient: [linearInputGradient(site)]
    case .linearWeightGradient(let op): linearWeightGradient(op, site)
    case .matmul(let op): [matmul(op, site)]
    case .transpose: [transpose(site)]
    case .reshape(let op): [reshape(op, site)]
    case .slice(let op): [slice(op, site)]
    case .pad(let op): [pad(op, site)]
    case .concatenate: [concatenate(site)]
    case .layerNorm(let op): layerNorm(op, site)
    case .layerNormGradient(let op): layerNormGradient(op, site)
    case .rmsNorm(let op): rmsNorm(op, site)
    case .rmsNormGradient(let op): rmsNormGradient(op, site)
    case .softmax: [softmax(site)]
    case .softmaxGradient: [softmaxGradient(site)]
    case .splitHeads(let op): [splitHeads(op, site)]
    case .mergeHeads: [mergeHeads(site)]
    case .rotary(let op): [rotary(op, site)]
    case .causalMask(let op): [causalMask(op, site)]
    case .attention(let op): attention(op, site)
    case .attentionGradient(let op): attentionGradient(op, site)
    case .attentionSinkGradient: [attentionSinkGradient(site)]
    case .top(let op): top(op, site)
    case .topGradient(let op): [scattered(among: op.experts, site)]
    case .route(let op): route(op, site)
    case .kept: [kept(site)]
    case .gather: [gather(site)]
    case .scatter(let op): [scattered(among: op.experts, site)]
    case .dispatch: [dispatch(site)]
    case .dispatchGradient: [dispatchGradient(site)]
    case .combine: [combine(site)]
    case .combineGradient: combineGradient(site)
    case .exchangeCounts(let op): exchangeCounts(op, site)
    case .exchangeRows(let op): [exchangeRows(op, site)]
    case .counted: [counted(site)]
    case .crossEntropy: try crossEntropy(site)
    case .crossEntropyGradient: [crossEntropyGradient(site)]
    case .linearCrossEntropy(let op): try linearCrossEntropy(op, site)
    case .linearCrossEntropyGradient(let op): linearCrossEntropyGradient(op, site)
    }
  }
}
