import GraphIR
import Lowering
import Planning

/// Calls that route tokens to experts and bring rows back.
extension CallEmitter {
  func routingCall(_ op: Op, _ c: CallText) -> (String, [String])? {
    switch op {
    case .top(let op):
      let replays = layer.isRouter(c.call) ? "pass->replays" : "0"
      return (
        "top",
        [c.made(.output), c.made(.choice), c[.logits], c.rows(.logits), c.width(.logits)]
          + [CNames.size(op.chosen), replays]
      )
    case .topGradient(let op):
      return (
        "top_gradient",
        [c.made(.logits), c[.gradient], c[.choice], c.rows(.gradient), CNames.size(op.experts)]
          + [c.width(.gradient)]
      )
    case .route(let op):
      let experts = CNames.size(op.experts)
      // Multiplied and truncated in double, as the reference does.
      let capacity =
        op.capacity.map { "(int)((double)(\(c.count(.choice))) / \(experts) * \($0))" } ?? "-1"
      return (
        "route",
        [.start, .source, .slot].map { c.made($0) }
          + [c[.choice], c.rows(.choice), c.width(.choice), experts, capacity]
      )
    case .dispatch:
      let experts = c.madeType(.output).experts.map(CNames.size) ?? "1"
      return (
        "dispatch", [c.made(.output), c[.rows], c[.source], c[.start], experts, c.width(.rows)]
      )
    case .dispatchGradient:
      return (
        "dispatch_gradient",
        [c.made(.rows), c[.gradient], c[.slot], c.rows(.slot), c.width(.slot), c.width(.gradient)]
      )
    case .combine:
      let residual = c.all(.extra)
      return (
        "combine" + (residual.isEmpty ? "" : "_add"),
        [c.made(.output)] + residual + [c[.rows], c[.gates], c[.slot]]
          + [c.rows(.gates), c.width(.gates), c.width(.rows)]
      )
    case .combineGradient:
      let finish = functions.finish(c.call)
      return (
        "combine_gradient" + (finish == nil ? "" : "_finished"),
        [c.made(.rows), c.made(.gates), c[.gradient], c[.rows], c[.gates], c[.slot]]
          + [c.rows(.gates), c.width(.gates), c.width(.rows)]
          + (finish.map { [$0.name, finishOperands(c)] } ?? [])
      )
    case .input, .parameter, .pointwise, .sum, .embedding, .linear, .matmul, .transpose,
      .layerNorm, .softmax, .splitHeads, .mergeHeads, .causalMask, .attention, .crossEntropy,
      .embeddingGradient, .linearInputGradient, .linearWeightGradient, .layerNormGradient,
      .softmaxGradient, .attentionGradient, .crossEntropyGradient:
      return nil
    }
  }
}
