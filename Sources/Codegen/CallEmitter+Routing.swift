import GraphIR
import Planning

/// Calls that route tokens to experts and bring rows back.
extension CallEmitter {
  func routingCall(
    _ op: Op, _ call: Call, _ a: [String], _ r: [String]
  ) -> (String, [String])? {
    let types = call.inputs.map(\.type)
    switch op {
    case .top(let op):
      return (
        "top",
        [
          r[0], r[1], a[0], CNames.rows(types[0]), CNames.width(types[0]), CNames.size(op.chosen),
          layer.isRouter(call) ? "pass->replays" : "0",
        ]
      )
    case .topGradient(let op):
      return (
        "top_gradient",
        [r[0], a[0], a[1], CNames.rows(types[0]), CNames.size(op.experts), CNames.width(types[0])]
      )
    case .route(let op):
      let pairs = CNames.product(types[0].axes)
      let experts = CNames.size(op.experts)
      // Multiplied and truncated in double, as the reference does.
      let capacity = op.capacity.map { "(int)((double)(\(pairs)) / \(experts) * \($0))" } ?? "-1"
      return (
        "route", r + [a[0], CNames.rows(types[0]), CNames.width(types[0]), experts, capacity]
      )
    case .dispatch:
      let experts = call.results[0]?.type.experts.map(CNames.size) ?? "1"
      return ("dispatch", [r[0], a[0], a[2], a[1], experts, CNames.width(types[0])])
    case .dispatchGradient:
      return (
        "dispatch_gradient",
        [r[0], a[0], a[1], CNames.rows(types[1]), CNames.width(types[1]), CNames.width(types[0])]
      )
    case .combine:
      let residual = call.finish == nil ? [] : [a[3]]
      return (
        "combine" + (residual.isEmpty ? "" : "_add"),
        [r[0]] + residual
          + [
            a[0], a[1], a[2], CNames.rows(types[1]), CNames.width(types[1]), CNames.width(types[0]),
          ]
      )
    case .combineGradient:
      let width = CNames.width(types[1])
      let arguments = [
        r[0], r[1], a[0], a[1], a[2], a[3], CNames.rows(types[2]), CNames.width(types[2]), width,
      ]
      guard let finish = functions.finish(call) else { return ("combine_gradient", arguments) }
      return (
        "combine_gradient_finished", arguments + [finish.name, finishOperands(call, a, width)]
      )
    case .input, .parameter, .pointwise, .sum, .embedding, .linear, .matmul, .transpose,
      .layerNorm, .softmax, .splitHeads, .mergeHeads, .causalMask, .attention, .crossEntropy,
      .embeddingGradient, .linearInputGradient, .linearWeightGradient, .layerNormGradient,
      .softmaxGradient, .attentionGradient, .crossEntropyGradient:
      return nil
    }
  }
}
