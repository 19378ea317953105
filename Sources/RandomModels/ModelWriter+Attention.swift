import MoE

extension ModelWriter {
  /// Attention of any kind, as the function or written out, with its queries, keys and values from one
  /// value or several.
  mutating func attended() -> Tensor {
    let x = dice.happens(60) ? normalized(narrowed()) : narrowed()
    let other = dice.happens(15) ? any(sizes.C) : x
    let bias = dice.happens(30)
    let isTurned = sizes.C.size / sizes.heads % 2 == 0 && dice.happens(50)
    let isGrouped = sizes.keyHeads < sizes.heads && dice.happens(60)
    var norms = dice.forked()
    let q = turned(norm(heads(x, "query", bias), &norms), isTurned)
    let keys = isGrouped ? fewHeads(other, "key", bias) : heads(other, "key", bias)
    let k = turned(norm(keys, &norms), isTurned)
    let v = isGrouped ? fewHeads(other, "value", bias) : heads(other, "value", bias)
    let h = isGrouped || dice.happens(60) ? fused(q, k, v) : written(q, k, v)
    let merged = h.mergedHeads()
    guard dice.happens(80) else { return merged }
    let y = merged.linear(name("proj"), sizes.C)
    return dice.happens(20) ? y.dropout(0.2) : y
  }

  private mutating func heads(_ x: Tensor, _ word: String, _ bias: Bool) -> Tensor {
    let rows = dice.happens(92) ? x.linear(name(word), sizes.C, bias: bias) : x
    return rows.heads(sizes.heads)
  }

  /// Each head with a norm of its own, in some models.
  private mutating func norm(_ heads: Tensor, _ dice: inout Dice) -> Tensor {
    guard dice.happens(30) else { return heads }
    return dice.happens(70) ? heads.rmsNorm(name("norm")) : heads.rmsNorm()
  }

  /// Heads that several heads of queries read.
  private mutating func fewHeads(_ x: Tensor, _ word: String, _ bias: Bool) -> Tensor {
    let width = sizes.keyHeads * MoE.Axis("D", sizes.C.size / sizes.heads)
    return x.linear(name(word), width, bias: bias).heads(sizes.keyHeads)
  }

  /// Rotary positions, mostly.
  private mutating func turned(_ x: Tensor, _ isTurned: Bool) -> Tensor {
    guard isTurned && dice.happens(90) else { return x }
    let scalings: [PositionScaling?] = [
      nil, nil, .linear(factor: 2), .llama3(factor: 8, context: 4),
      .yarn(factor: 4, slow: 0.5, context: 8),
    ]
    return x.rotary(
      base: dice.pick([10_000, 1e6, 1.5]), interleaved: dice.happens(30),
      scaling: dice.pick(scalings))
  }

  private mutating func fused(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    let rate = dice.happens(30) ? 0.3 : 0
    let window = dice.happens(25) ? dice.int(1...sizes.T.size + 3) : nil
    let cap = dice.happens(20) ? dice.pick([0.5, 3, 50]) : nil
    let sinks = dice.happens(25) ? headSinks() : nil
    let scale = dice.happens(50) ? nil : dice.pick([1, 0.25, -0.5, 0])
    return attention(
      q, k, v, scale: scale, window: window, softCap: cap, sinks: sinks, dropout: rate)
  }

  /// A learned number for each head, or what is computed of one.
  private mutating func headSinks() -> Tensor {
    let sinks = parameter(
      name("sinks"), MoE.Axis("H", sizes.heads), initial: dice.happens(30) ? .zeros : .normal(1))
    return dice.happens(20) ? sinks * 0.5 : sinks
  }

  private mutating func written(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    var scores = q.matmul(k.transposed())
    switch dice.int(0...3) {
    case 0: scores = scores * 0.5
    case 1: scores = 0.25 * scores
    case 2: scores = (q * 0.5).matmul(k.transposed())
    default: break
    }
    if dice.happens(90) { scores = scores.causalMasked() }
    var weights = scores.softmax()
    if dice.happens(25) { weights = weights.dropout(0.2) }
    let h = weights.matmul(v)
    return dice.happens(10) ? h + weights.matmul(k) : h
  }

  /// Rows of a sequence mixed with each other without heads; the result is as wide as what came.
  mutating func mixedOverTime(_ x: Tensor, _ width: MoE.Axis) -> Tensor {
    let other = any(width)
    switch dice.int(0...3) {
    case 0: return (x.matmul(other.transposed()) * 0.1).causalMasked().softmax().matmul(other)
    case 1: return x.matmul(x.transposed()).softmax().matmul(other)
    case 2: return x.transposed().transposed() + other
    default: return x.matmul(x.transposed().matmul(other)) * 0.05
    }
  }
}
