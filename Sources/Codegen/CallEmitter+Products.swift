import GraphIR
import Lowering
import Planning

/// Calls of matrix products, and what their last steps read.
extension CallEmitter {
  func productCall(_ op: Op, _ c: CallText) -> (String, [String])? {
    let isByExpert = c.call[.start] != nil
    let isGathered = c.call[.source] != nil
    let finish = functions.finish(c.call)
    let prefix = isByExpert ? "expert_" : ""
    let suffix = finish == nil ? (isGathered ? "_gathered" : "") : "_finished"
    let last = finish.map { [$0.name, finishOperands(c)] } ?? []
    // The form with a last step takes gathered rows and rows as they lie.
    let source = isGathered || (isByExpert && finish != nil) ? [c[.source]] : []
    let start = isByExpert ? [c[.start]] : []
    let weights = c.call.kernel.all(.weights)
    switch op {
    case .linear:
      let operands = [c.made(.output), c[.rows]] + source + [c[.weights], c[.bias]] + start
      return (prefix + "linear" + suffix, operands + sizes(c, .rows, weights) + last)
    case .linearInputGradient:
      let operands = [c.made(.rows), c[.gradient], c[.weights]] + start
      let name = prefix + "linear_input_gradient" + suffix
      return (name, operands + sizes(c, .gradient, weights) + last)
    case .linearWeightGradient:
      let gradients = c.call.kernel.results(.weights)
      var arguments = [c.made(.weights), c.made(.bias), c[.gradient], c[.rows]]
      arguments += source + start + sizes(c, .gradient, gradients) + [update(c.call)]
      if !isByExpert { arguments.append("\(gradients.count)") }
      return (prefix + "linear_weight_gradient" + suffix, arguments + [shares])
    case .input, .parameter, .pointwise, .sum, .embedding, .matmul, .transpose, .layerNorm,
      .softmax, .splitHeads, .mergeHeads, .causalMask, .attention, .top, .route, .dispatch,
      .combine, .crossEntropy, .embeddingGradient, .layerNormGradient, .softmaxGradient,
      .attentionGradient, .topGradient, .dispatchGradient, .combineGradient,
      .crossEntropyGradient:
      return nil
    }
  }

  /// Experts or rows, then the weights' inputs and outputs; those of weights side by side are one
  /// matrix with the outputs of all.
  private func sizes(_ c: CallText, _ rows: Role, _ weights: [Operand]) -> [String] {
    guard let axes = weights.first?.type.axes, axes.count >= 2 else { return [] }
    let count = axes.count == 3 ? CNames.size(axes[0]) : c.rows(rows)
    let outputs = weights.count > 1 ? weights.count * axes[axes.count - 2] : axes[axes.count - 2]
    return [count, CNames.size(axes[axes.count - 1]), CNames.size(outputs)]
  }

  /// What the optimizer needs to update the weights whose gradients a call makes.
  private func update(_ call: Call) -> String {
    guard let weights = call.updates else { return "NULL" }
    let field = "u->\(CNames.field(layer.parameters[weights.lowerBound].field))"
    return weights.count > 1 ? field : "&" + field
  }

  /// The compound literal of what a product's last step reads.
  func finishOperands(_ c: CallText) -> String {
    guard let finish = c.call.finish, let type = c.call.results.first?.type else { return "NULL" }
    var fields = [".width = \(CNames.width(type))"]
    fields += c.all(.extra).enumerated().map { ".x\($0.offset + 1) = \($0.element)" }
    let draws = finish.expression.draws
    if !draws.rates.isEmpty { fields.append(".rate = {\(draws.rates.joined(separator: ", "))}") }
    let keys = draws.map { key($0.stream, of: type, numbers: $0.numbers) }
    if !keys.isEmpty { fields.append(".key = {\(keys.joined(separator: ", "))}") }
    return "&(finish_operands){\(fields.joined(separator: ", "))}"
  }
}
