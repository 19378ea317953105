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
    return Statement(
      calling: "rotary",
      [c.made(.output), c[.operand], axes[0], count, first, axes[1], "\(axes[2])/\(count)"]
        + ["\(op.base)", op.interleaved ? "1" : "0", op.inverse ? "1" : "0"])
  }

  /// Whether a tensor has the rows of a pass that may go on after others.
  private func goesOn(_ type: TensorType) -> Bool { kept.map(type.axes.contains) ?? false }

  func attention(_ op: Attention, _ c: CallText) -> Statement {
    let type = c.madeType(.output)
    var sizes = attentionSizes(type, op.heads, op.scale, op.rate, op.stream)
    let isKept = goesOn(type)
    if isKept { sizes.insert("\(CExpression.pass)->past", at: 2) }
    return Statement(
      calling: "causal_attention" + (isKept ? "_after" : ""),
      [.output, .maximum, .sum].map { c.made($0) } + read(c) + [rowStride(c)] + sizes)
  }

  func attentionGradient(_ op: AttentionGradient, _ c: CallText) -> Statement {
    let sizes = attentionSizes(c.type(.gradient), op.heads, op.scale, op.rate, op.stream)
    let made =
      c.call.kernel.result(.projections) == nil
      ? Role.projected.map { c.made($0) } : sideBySide(c.made(.projections), c)
    return Statement(
      calling: "causal_attention_gradient",
      made + [c[.gradient], c[.output]] + read(c) + [c[.maximum], c[.sum]]
        + [rowStride(c), rowStride(c)] + sizes)
  }

  /// Queries, keys and values: three tensors, or the parts of each row of one.
  private func read(_ c: CallText) -> [CExpression] {
    c.call[.projections] == nil ? Role.projected.map { c[$0] } : sideBySide(c[.projections], c)
  }

  private func sideBySide(_ all: CExpression, _ c: CallText) -> [CExpression] {
    let one = CNames.size(headWidth(c))
    return [all, "\(all) + \(one)", "\(all) + 2*\(one)"]
  }

  /// The width of all heads: that of y, or of dy.
  private func headWidth(_ c: CallText) -> Axis {
    let type = c.call[.gradient] == nil ? c.madeType(.output) : c.type(.gradient)
    return type.axes.last ?? Axis(constant: 1)
  }

  private func rowStride(_ c: CallText) -> CExpression {
    CNames.size((c.call[.projections] == nil ? 1 : 3) * headWidth(c))
  }

  private func attentionSizes(
    _ type: TensorType, _ heads: Axis, _ scale: Double, _ rate: Double, _ stream: Int
  ) -> [CExpression] {
    let axes = type.axes.map(CNames.size)
    let count = CNames.size(heads)
    // One number for each weight, [B, H, T, T].
    let weights = TensorType(.f32, [type.axes[0], heads, type.axes[1], type.axes[1]])
    let random: [CExpression] =
      rate == 0 ? ["0", "0"] : [[StreamDraw].inTraining(rate), key(stream, of: weights)]
    return [axes[0], count, axes[1], "\(axes[2])/\(count)", "\(CNames.float(scale))"] + random
  }
}
