import GraphIR
import Lowering
import Planning

/// Calls of attention and its gradient, and of what goes by position.
extension CallEmitter {
  /// A pass that goes on after others begins at a later position than 0.
  func rotary(_ op: Rotary, _ c: CallText) -> Statement {
    let type = c.madeType(.output)
    let (axes, count) = (type.axes.map(CNames.size), CNames.size(op.heads))
    let first: CExpression = goesOn(type) ? "\(CExpression.pass)->past" : "0"
    let place: [CExpression] = [
      c.made(.output), c[.operand], axes[0], count, op.turned.map(CNames.size) ?? count, first,
      axes[1], "\(axes[2])/\(count.asDivisor)",
    ]
    let form: [CExpression] = [
      "\(op.base)", op.interleaved ? "1" : "0", op.inverse ? "1" : "0",
    ]
    guard let scaling = op.scaling else { return Statement(calling: "rotary", place + form) }
    let numbers = [
      scaling.factor, scaling.amplitude, scaling.none, scaling.full, scaling.context ?? 0,
    ]
    let list = numbers.map { "\($0)" }.joined(separator: ", ")
    return Statement(
      calling: "rotary_scaled", place + form + ["&(rotary_scaling){\(list)}"])
  }

  /// Whether a tensor has the rows of a pass that may go on after others.
  private func goesOn(_ type: TensorType) -> Bool { kept.map(type.axes.contains) ?? false }

  func attention(_ op: Attention, _ c: CallText) -> Statement {
    let type = c.madeType(.output)
    var sizes = attentionSizes(type, op)
    let isKept = goesOn(type)
    let made = [.output, .maximum, .sum].map { c.made($0) } + read(op, c)
    if op.isPlain && c.call[.sinks] == nil {
      if isKept { sizes.insert("\(CExpression.pass)->past", at: 2) }
      return Statement(
        calling: "causal_attention" + (isKept ? "_after" : ""),
        made + [rowStride(c)] + sizes + documents(c))
    }
    sizes.insert(isKept ? "\(CExpression.pass)->past" : "0", at: 2)
    let sinks: [CExpression] = c.call[.sinks] == nil ? [] : [".sinks = \(c[.sinks])"]
    return Statement(calling: "general_attention", made + sizes + [form(op, c, sinks)])
  }

  func attentionGradient(_ gradient: AttentionGradient, _ c: CallText) -> Statement {
    let op = gradient.attention
    let sizes = attentionSizes(c.type(.gradient), op)
    let made =
      c.call.kernel.result(.projections) == nil
      ? Role.projected.map { c.made($0) } : sideBySide(c.made(.projections), op, c)
    let pointers = made + [c[.gradient], c[.output]] + read(op, c) + [c[.maximum], c[.sum]]
    if op.isPlain {
      return Statement(
        calling: "causal_attention_gradient",
        pointers + [rowStride(c), rowStride(c)] + sizes + documents(c))
    }
    return Statement(
      calling: "general_attention_gradient", pointers + sizes + [form(op, c, [])])
  }

  func attentionSinkGradient(_ c: CallText) -> Statement {
    let type = c.type(.gradient)
    let axes = type.axes.map(CNames.size)
    let heads = CNames.size(c.type(.maximum).axes[1])
    return Statement(
      calling: "attention_sink_gradient",
      [c.made(.sinks), c[.gradient], c[.output], c[.sinks], c[.maximum], c[.sum]]
        + [axes[0], heads, axes[1], "\(axes[2])/\(heads.asDivisor)"])
  }

  /// The compound literal of what is not plain, and how far rows are apart.
  private func form(_ op: Attention, _ c: CallText, _ sinks: [CExpression]) -> CExpression {
    var fields: [CExpression] = [".row = \(rowStride(c))"]
    fields.append(
      ".key_row = \(c.call[.projections] == nil ? c.width(.keys) : c.width(.projections))")
    fields.append(".key_heads = \(CNames.size(op.keyHeads))")
    if let window = op.window { fields.append(".window = \("\(window)")") }
    if let cap = op.softCap { fields.append(".cap = \(CNames.float(cap))") }
    if let beginnings = documents(c).first { fields.append(".beginnings = \(beginnings)") }
    return CExpression("&(attention_form){", fields + sinks, "}")
  }

  /// Where each position's document begins, in a model whose rows hold several: for its kernels.
  private func documents(_ c: CallText) -> [CExpression] {
    if !takesDocuments { return [] }
    return [c.call[.beginnings] == nil ? "NULL" : c[.beginnings]]
  }

  /// Queries, keys and values: three tensors, or the parts of each row of one.
  private func read(_ op: Attention, _ c: CallText) -> [CExpression] {
    c.call[.projections] == nil ? Role.projected.map { c[$0] } : sideBySide(c[.projections], op, c)
  }

  private func sideBySide(_ all: CExpression, _ op: Attention, _ c: CallText) -> [CExpression] {
    let width = headWidth(c)
    guard op.group > 1, let row = c.type(.projections).axes.last else {
      return [all, "\(all) + \(CNames.size(width))", "\(all) + 2*\(CNames.size(width))"]
    }
    let key = row / (op.group + 2)
    return [
      all, "\(all) + \(CNames.size(width))",
      "\(all) + \(CNames.size((op.group + 1) * key))",
    ]
  }

  /// The width of all heads: that of y, or of dy.
  private func headWidth(_ c: CallText) -> Axis {
    let type = c.call[.gradient] == nil ? c.madeType(.output) : c.type(.gradient)
    return type.axes.last ?? Axis(constant: 1)
  }

  private func rowStride(_ c: CallText) -> CExpression {
    c.call[.projections] == nil ? CNames.size(headWidth(c)) : c.width(.projections)
  }

  private func attentionSizes(_ type: TensorType, _ op: Attention) -> [CExpression] {
    let axes = type.axes.map(CNames.size)
    let count = CNames.size(op.heads)
    // One number for each weight, [B, H, T, T].
    let weights = TensorType(.f32, [type.axes[0], op.heads, type.axes[1], type.axes[1]])
    let random: [CExpression] =
      op.rate == 0
      ? ["0", "0"] : [[StreamDraw].inTraining(op.rate), key(op.stream, of: weights)]
    return [axes[0], count, axes[1], "\(axes[2])/\(count.asDivisor)", "\(CNames.float(op.scale))"]
      + random
  }
}
