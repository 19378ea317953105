import GraphIR
import Lowering
import Planning

/// How a call is written in C: the kernel file that it wants, and who writes its statement.
struct CallCode {
  /// The name of the file that holds the called function; nil for code of the layer's own.
  let kernel: String?

  /// The call as C.
  let statement: (CallEmitter, CallText) -> Statement

  init(_ kernel: String?, _ statement: @escaping (CallEmitter, CallText) -> Statement) {
    self.kernel = kernel
    self.statement = statement
  }
}

extension Call {
  var code: CallCode {
    switch action {
    case .pack: CallCode("panels") { $0.stacked("panels_from_rows", $1, packing: true) }
    case .unpack: CallCode("panels") { $0.stacked("rows_from_panels", $1, packing: false) }
    case .copy: CallCode(nil) { $0.copy($1) }
    case .fit: CallCode("fit") { $0.fit($1) }
    case .op(.embedding) where self[.table]?.layout != .rowMajor:
      CallCode("panel_embedding") { $0.embedding($1) }
    case .op(.embeddingGradient(let op)) where kernel.result(.table)?.layout != .rowMajor:
      CallCode("panel_embedding") { $0.embeddingGradient(op, $1) }
    case .op(let op):
      op.code(
        byExpert: operands.contains { $0.type.experts != nil }, hasSinks: self[.sinks] != nil,
        hasDocuments: self[.beginnings] != nil)
    }
  }
}

extension Op {
  /// The one table of what calls of all ops are in C.
  ///
  /// - Parameters:
  ///   - byExpert: whether rows sorted by expert are among the operands and results.
  ///   - hasSinks: whether attention's heads have sinks.
  ///   - hasDocuments: whether a mask is of documents.
  fileprivate func code(byExpert: Bool, hasSinks: Bool, hasDocuments: Bool) -> CallCode {
    let expert = byExpert ? "expert_" : ""
    let gradient = { (of: String) in byExpert ? "expert_linear_\(of)_gradient" : "linear" }
    let inParts = "linear_cross_entropy"
    return switch self {
    case .input, .parameter: CallCode(nil) { _, _ in Statement([]) }
    case .pointwise(let op): CallCode(nil) { $0.pointwise(op, $1) }
    case .sum(let op): CallCode("sum") { $0.sum(op, $1) }
    case .embedding: CallCode("embedding") { $0.embedding($1) }
    case .embeddingGradient(let op): CallCode("embedding") { $0.embeddingGradient(op, $1) }
    case .numbers(let op): CallCode("numbers") { $0.numbers(op, $1) }
    case .indices: CallCode("numbers") { $0.indices($1) }
    case .documentPositions: CallCode("documents") { $0.documentPositions($1) }
    case .linear: CallCode(expert + "linear") { $0.linear($1) }
    case .linearInputGradient: CallCode(gradient("input")) { $0.linearInputGradient($1) }
    case .linearWeightGradient: CallCode(gradient("weight")) { $0.linearWeightGradient($1) }
    case .matmul(let op): CallCode("matmul") { $0.matmul(op, $1) }
    case .transpose: CallCode("transpose") { $0.transpose($1) }
    case .reshape: CallCode(nil) { $0.copy($1) }
    case .slice(let op): CallCode("columns") { $0.slice(op, $1) }
    case .pad(let op): CallCode("columns") { $0.pad(op, $1) }
    case .concatenate: CallCode("columns") { $0.concatenate($1) }
    case .layerNorm(let op): CallCode("layer_norm") { $0.layerNorm(op, $1) }
    case .layerNormGradient: CallCode("layer_norm") { $0.layerNormGradient($1) }
    case .rmsNorm(let op): CallCode("rms_norm") { $0.rmsNorm(op, $1) }
    case .rmsNormGradient(let op): CallCode("rms_norm") { $0.rmsNormGradient(op, $1) }
    case .softmax: CallCode("softmax") { $0.softmax($1) }
    case .softmaxGradient: CallCode("softmax") { $0.softmaxGradient($1) }
    case .splitHeads(let op): CallCode("heads") { $0.splitHeads(op, $1) }
    case .mergeHeads: CallCode("heads") { $0.mergeHeads($1) }
    case .rotary(let op): CallCode("rotary") { $0.rotary(op, $1) }
    case .causalMask(let op):
      CallCode(hasDocuments ? "documents" : "causal_mask") { $0.causalMask(op, $1) }
    case .attention(let op):
      CallCode(op.isPlain && !hasSinks ? "attention" : "general_attention") { $0.attention(op, $1) }
    case .attentionGradient(let op):
      CallCode(op.attention.isPlain ? "attention_gradient" : "general_attention_gradient") {
        $0.attentionGradient(op, $1)
      }
    case .attentionSinkGradient: CallCode("attention_sinks") { $0.attentionSinkGradient($1) }
    case .top(let op): CallCode("top") { $0.top(op, $1) }
    case .topGradient(let op):
      CallCode("top") { $0.scatter(.logits, .gradient, op.experts, $1) }
    case .kept: CallCode("route") { $0.kept($1) }
    case .gather: CallCode("gather") { $0.gather($1) }
    case .scatter(let op): CallCode("gather") { $0.scatter(.output, .operand, op.experts, $1) }
    case .route(let op): CallCode("route") { $0.route(op, $1) }
    case .dispatch: CallCode("dispatch") { $0.dispatch($1) }
    case .dispatchGradient: CallCode("dispatch") { $0.dispatchGradient($1) }
    case .combine: CallCode("combine") { $0.combine($1) }
    case .combineGradient: CallCode("combine") { $0.combineGradient($1) }
    case .exchangeCounts: CallCode(nil) { $0.exchangeCounts($1) }
    case .exchangeRows(let op): CallCode(nil) { $0.exchangeRows(op, $1) }
    case .counted: CallCode("targets") { $0.counted($1) }
    case .crossEntropy: CallCode("cross_entropy") { $0.crossEntropy($1) }
    case .crossEntropyGradient: CallCode("cross_entropy") { $0.crossEntropyGradient($1) }
    case .linearCrossEntropy(let op): CallCode(inParts) { $0.lossInParts(op, $1) }
    case .linearCrossEntropyGradient(let op): CallCode(inParts) { $0.lossInPartsGradient(op, $1) }
    }
  }
}
