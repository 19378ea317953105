import GraphIR
import Lowering
import Planning

/// Calls of matrix products, and what their last steps read.
extension CallEmitter {
  func linear(_ c: CallText) -> Statement {
    if c.call.kernel.keepsPartsApart { return linearParts(c) }
    let operands = [c.made(.output), c[.rows]] + source(c) + [c[.weights], c[.bias]] + start(c)
    return product("linear", operands + sizes(c, .rows, c.call.kernel.all(.weights)), c)
  }

  /// Several products of the same rows: what each reads and makes beside these, and how many they are.
  private func linearParts(_ c: CallText) -> Statement {
    let (made, weights, biases) = (c.allMade(.output), c.all(.weights), c.all(.bias))
    let parts = made.indices.map { part -> CExpression in
      var fields: [CExpression] = [".y = \(made[part])", ".w = \(weights[part])"]
      if biases.indices.contains(part) { fields.append(".b = \(biases[part])") }
      let last = lastStep(c, of: part)
      if last.count == 2 { fields += [".finish = \(last[0])", ".operands = \(last[1])"] }
      return CExpression("{", fields, "}")
    }
    let hasStart = c.call[.start] != nil
    var arguments = [CExpression("(linear_part[]){", parts, "}"), "\(parts.count)", c[.rows]]
    if hasStart { arguments += [c[.source], c[.start]] }
    return Statement(
      calling: (hasStart ? "expert_" : "") + "linear_parts",
      arguments + sizes(c, .rows, Array(c.call.kernel.all(.weights).prefix(1))))
  }

  func linearInputGradient(_ c: CallText) -> Statement {
    let weights = c.call.kernel.all(.weights)
    if c.call.kernel.keepsPartsApart { return linearInputGradientParts(c) }
    let operands = [c.made(.rows), c[.gradient], c[.weights]] + start(c)
    return product("linear_input_gradient", operands + sizes(c, .gradient, weights), c)
  }

  /// Several products that are added up: what each reads, and how many they are.
  private func linearInputGradientParts(_ c: CallText) -> Statement {
    let weights = c.call.kernel.all(.weights)
    let parts = zip(c.all(.gradient), c.all(.weights)).map { gradient, weight -> CExpression in
      "{.d_y = \(gradient), .w = \(weight)}"
    }
    let last = lastStep(c)
    return Statement(
      calling: (c.call[.start] == nil ? "" : "expert_") + "linear_input_gradient_parts",
      [c.made(.rows), CExpression("(gradient_part[]){", parts, "}"), "\(parts.count)"] + start(c)
        + sizes(c, .gradient, Array(weights.prefix(1)))
        + (last.isEmpty ? ["NULL", "NULL"] : last))
  }

  func linearWeightGradient(_ c: CallText) -> Statement {
    let gradients = c.call.kernel.results(.weights)
    var arguments = [c.made(.weights), c.made(.bias), c[.gradient], c[.rows]]
    arguments += source(c) + start(c) + sizes(c, .gradient, gradients) + [update(c.call)]
    if c.call[.start] == nil { arguments.append("\(gradients.count)") }
    return product("linear_weight_gradient", arguments + [shares], c)
  }

  /// The kernel for rows as they are: by expert, gathered, or with a last step.
  private func product(_ name: String, _ arguments: [CExpression], _ c: CallText) -> Statement {
    let prefix = c.call[.start] == nil ? "" : "expert_"
    let last = lastStep(c)
    let suffix = last.isEmpty ? (c.call[.source] == nil ? "" : "_gathered") : "_finished"
    return Statement(calling: prefix + name + suffix, arguments + last)
  }

  private func start(_ c: CallText) -> [CExpression] { c.call[.start] == nil ? [] : [c[.start]] }

  /// The form with a last step takes gathered rows and rows as they lie.
  private func source(_ c: CallText) -> [CExpression] {
    let takesBoth = c.call[.start] != nil && functions.finish(c.call) != nil
    return c.call[.source] != nil || takesBoth ? [c[.source]] : []
  }

  /// Experts or rows, then the weights' inputs and outputs; those of weights side by side are one
  /// matrix with the outputs of all, as wide as the rows that it makes or that come back.
  private func sizes(_ c: CallText, _ rows: Role, _ weights: [Operand]) -> [CExpression] {
    guard let axes = weights.first.map({ seen($0.type).axes }), axes.count >= 2 else { return [] }
    let count = axes.count == 3 ? CNames.size(axes[0]) : c.rows(rows)
    let all = c.call.op?.kind == .linear ? c.madeType(.output) : c.type(.gradient)
    let outputs = weights.count > 1 ? all.axes.last : axes[axes.count - 2]
    return [count, CNames.size(axes[axes.count - 1]), outputs.map(CNames.size) ?? "1"]
  }

  /// What the optimizer needs to update the weights whose gradients a call makes.
  private func update(_ call: Call) -> CExpression {
    guard let weights = call.updates else { return "NULL" }
    let field = CNames.field(layer.parameters[weights.lowerBound].field)
    return "\(weights.count > 1 ? "" : "&")\(CExpression.updates)->\(field)"
  }

  /// The function of the last step of a call's result and what it reads; nothing if there is none.
  func lastStep(_ c: CallText, of place: Int = 0) -> [CExpression] {
    functions.finish(c.call, of: place).map { ["\($0.name)", finishOperands(c, place)] } ?? []
  }

  /// The compound literal of what a product's last step reads.
  private func finishOperands(_ c: CallText, _ place: Int) -> CExpression {
    guard let finish = c.call.kernel.finishes[place] else { return "NULL" }
    let type = seen(c.call.results[place].type)
    var fields: [CExpression] = [".width = \(CNames.width(type))"]
    for (index, extra) in c.extras(of: place).enumerated() {
      fields.append(".x\(index + 1) = \(extra)")
    }
    let draws = finish.expression.draws
    if !draws.rates.isEmpty { fields.append(".rate = {\(draws.rates.joined(separator: ", "))}") }
    let keys = draws.map { key($0.stream, of: type, numbers: $0.numbers) }
    if !keys.isEmpty { fields.append(".key = {\(keys.joined(separator: ", "))}") }
    return CExpression("&(finish_operands){", fields, "}")
  }
}
