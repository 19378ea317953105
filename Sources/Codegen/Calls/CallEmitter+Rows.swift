import GraphIR
import Lowering
import Planning

/// Calls of ops that go through rows: tables, sums, norms, softmax and the loss.
extension CallEmitter {
  func embedding(_ c: CallText) -> Statement {
    Statement(
      calling: c.call[.table]?.layout == .rowMajor ? "embedding" : "panel_embedding",
      [c.made(.output), c[.table], c[.ids], c.count(.ids), c.width(.table)])
  }

  func embeddingGradient(_ op: EmbeddingGradient, _ c: CallText) -> Statement {
    let sizes = [c.count(.ids), c.width(.gradient), CNames.size(op.entries)]
    let read = [c[.gradient], c[.ids]] + sizes
    guard c.call[.extra] != nil else {
      return Statement(calling: "embedding_gradient", [c.made(.table)] + read)
    }
    let isInRows = c.call.kernel.result(.table)?.layout == .rowMajor
    return Statement(
      calling: (isInRows ? "" : "panel_") + "embedding_gradient_added",
      [c.made(.table), c[.extra]] + read)
  }

  func numbers(_ op: Numbers, _ c: CallText) -> Statement {
    let width = op.width.map(CNames.size) ?? "1"
    return Statement(
      calling: "numbers_from_ids", [c.made(.output), c[.ids], c.count(.ids), width])
  }

  func indices(_ c: CallText) -> Statement {
    Statement(
      calling: "numbers_from_zero", [c.made(.output), CNames.product(c.madeType(.output).axes)])
  }

  func documentPositions(_ c: CallText) -> Statement {
    let axes = c.madeType(.output).axes.map(CNames.size)
    return Statement(
      calling: "document_positions", [c.made(.output), c[.ids], c[.beginnings], axes[0], axes[1]])
  }

  func sum(_ op: Sum, _ c: CallText) -> Statement {
    let type = c.type(.operand)
    guard let kept = op.repetition(in: type) else { return Statement([]) }
    let operands = [c.made(.output), c[.operand]]
    let (before, after) = (type.axes.prefix(kept.before), type.axes.suffix(kept.after))
    let summed = CNames.product(kept.missing(of: type.axes))
    switch (before.isEmpty, after.isEmpty) {
    case (true, _):
      return Statement(calling: "sum_leading", operands + [summed, CNames.product(after)])
    case (false, true):
      return Statement(calling: "sum_trailing", operands + [CNames.product(before), summed])
    case (false, false):
      let sizes = [CNames.product(before), summed, CNames.product(after)]
      return Statement(calling: "sum_between", operands + sizes)
    }
  }

  func layerNorm(_ op: LayerNorm, _ c: CallText) -> Statement {
    let made = [c.made(.output), c.made(.mean), c.made(.deviation)]
    let read = [.rows, .weights, .bias].map { c[$0] }
    return Statement(
      calling: "layer_norm",
      made + read + [c.rows(.rows), c.width(.rows), "\(CNames.float(op.epsilon))"])
  }

  /// Gradients of the input, then of the parameters.
  func layerNormGradient(_ c: CallText) -> Statement {
    let sizes = [c.rows(.rows), c.width(.rows)]
    var calls: [Statement] = []
    if c.call.kernel.result(.rows) != nil {
      let operands = [.gradient, .rows, .weights, .mean, .deviation, .extra].map { c[$0] }
      calls.append(
        Statement(calling: "layer_norm_input_gradient", [c.made(.rows)] + operands + sizes))
    }
    if c.call.kernel.results.contains(where: { $0.role != .rows }) {
      let operands = [.gradient, .rows, .mean, .deviation].map { c[$0] }
      calls.append(
        Statement(
          calling: "layer_norm_weight_gradient",
          [c.made(.weights), c.made(.bias)] + operands + sizes + [shares]))
    }
    return Statement(calls)
  }

  /// Rows sorted by expert come with where they start, if experts have weights of their own.
  func rmsNorm(_ op: RMSNorm, _ c: CallText) -> Statement {
    let operands = [c.made(.output), c.made(.deviation), c[.rows], c[.weights]]
    let epsilon = CExpression(CNames.float(op.epsilon))
    return Statement(
      calling: normFunction("rms_norm", c),
      operands + rowsOfNorm(c, op.heads) + [epsilon])
  }

  /// Gradients of the input, then of the weight.
  func rmsNormGradient(_ op: RMSNormGradient, _ c: CallText) -> Statement {
    let sizes = rowsOfNorm(c, op.heads)
    var calls: [Statement] = []
    if c.call.kernel.result(.rows) != nil {
      let operands = [.gradient, .rows, .weights, .deviation, .extra].map { c[$0] }
      calls.append(
        Statement(
          calling: normFunction("rms_norm_input_gradient", c), [c.made(.rows)] + operands + sizes))
    }
    if c.call.kernel.result(.weights) != nil {
      let operands = [.gradient, .rows, .deviation].map { c[$0] }
      calls.append(
        Statement(
          calling: normFunction("rms_norm_weight_gradient", c),
          [c.made(.weights)] + operands + sizes + [shares]))
    }
    return Statement(calls)
  }

  /// Whether each expert has a weight of its own: received rows have starts where there is none too.
  private func hasExpertWeights(_ c: CallText) -> Bool {
    c.call[.start] != nil && c.call[.weights]?.type.axes.count == 2
  }

  private func normFunction(_ name: String, _ c: CallText) -> String {
    hasExpertWeights(c) ? "expert_\(name)" : name
  }

  /// How many rows there are, or where experts' are and how many experts, and how long a row is.
  private func rowsOfNorm(_ c: CallText, _ heads: HeadAxes?) -> [CExpression] {
    if hasExpertWeights(c) {
      return [c[.start], CNames.size(c.type(.weights).axes[0]), c.width(.rows)]
    }
    guard let heads else { return [c.rows(.rows), c.width(.rows)] }
    let rows = c.type(.rows).axes.dropLast() + [heads.count]
    return [CNames.product(Array(rows)), CNames.size(heads.depth)]
  }

  func softmax(_ c: CallText) -> Statement {
    Statement(
      calling: "softmax", [c.made(.output), c[.operand], c.rows(.operand), c.width(.operand)])
  }

  func softmaxGradient(_ c: CallText) -> Statement {
    Statement(
      calling: "softmax_gradient",
      [c.made(.operand), c[.gradient], c[.output], c.rows(.gradient), c.width(.gradient)])
  }

  func counted(_ c: CallText) -> Statement {
    Statement(calling: "counted_targets", [c.made(.output), c[.targets], c.count(.targets)])
  }

  /// A pass without targets has no loss.
  func crossEntropy(_ c: CallText) -> Statement {
    let arguments = [
      c.made(.maximum), c.made(.sum), c[.logits], c[.targets], c.rows(.logits), c.width(.logits),
    ].joined(separator: ", ")
    return Statement(
      "if (\(c[.targets])) { \(c.made(.output))[0] = cross_entropy(\(arguments)); }",
      function: "cross_entropy")
  }

  func crossEntropyGradient(_ c: CallText) -> Statement {
    let operands = [.logits, .maximum, .sum, .targets].map { c[$0] }
    return Statement(
      calling: "cross_entropy_gradient",
      [c.made(.logits), lossGradient(c)] + operands + [c.rows(.logits), c.width(.logits)])
  }

  /// A pass without targets does not come here.
  func lossInParts(_ op: LinearCrossEntropy, _ c: CallText) -> Statement {
    let operands = [.room, .rows, .weights, .bias, .targets].map { c[$0] }
    return Statement(
      setting: "\(c.made(.output))[0]", calling: "linear_cross_entropy",
      [c.made(.maximum), c.made(.sum)] + operands + headSizes(op.part, c))
  }

  func lossInPartsGradient(_ op: LinearCrossEntropyGradient, _ c: CallText) -> Statement {
    let made = [.rows, .weights, .bias].map { c.made($0) } + [c[.room], lossGradient(c)]
    let read = [.rows, .weights, .bias, .maximum, .sum, .targets].map { c[$0] }
    return Statement(
      calling: "linear_cross_entropy_gradient", made + read + headSizes(op.part, c))
  }

  /// Rows, their width, the vocabulary, and how much of it is taken at once.
  private func headSizes(_ part: Int, _ c: CallText) -> [CExpression] {
    [c.rows(.rows), c.width(.rows), CNames.size(c.type(.weights).axes[0]), "\(part)"]
  }

  /// What comes back to the loss, which is 1 where nothing says otherwise.
  private func lossGradient(_ c: CallText) -> CExpression {
    c.call[.gradient] == nil ? "1.0f" : "\(c[.gradient])[0]"
  }
}
