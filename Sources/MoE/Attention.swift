import GraphIR

/// Causal attention of each head, with no [T, T] matrix kept.
///
///     y = dropout(softmax(scale q kᵀ, keys u ≤ t)) v    q f32[B, H, T, D], k, v f32[B, G, T, D]
///     -> f32[B, H, T, D]
///
/// Operands are as `heads` makes them. Keys and values may have fewer heads than queries: head h then reads
/// head h / (H / G) of them, as in Llama's grouped queries. A `window` leaves a query its last keys, its
/// own included: t - window < u ≤ t. With a `softCap` a score is cap tanh(score / cap). `sinks`, f32[H], are
/// one more score of each head, whose weight goes to no value, as in gpt-oss. `scale` is 1 / √D unless
/// given; `dropout` is the rate at which weights are dropped in training.
///
/// Errors: keys and values of another shape, heads of keys that do not divide those of queries, a window
/// below 1, a cap that is not above 0, sinks that are not one number for each head.
public func attention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, scale: Double? = nil, window: Int? = nil,
  softCap: Double? = nil, sinks: Tensor? = nil, dropout: Double = 0,
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor {
  let tracer = q.tracer
  let call = tracer.call("attention", file, line, column)
  let isRate = tracer.checkRate(dropout, call)
  guard let (axes, keyHeads) = tracer.attentionAxes(q, k, v, call), let width = q.mergedWidth,
    let keyWidth = keyHeads == axes[1] ? width : k.mergedWidth, isRate
  else { return tracer.poison(call.site) }
  let scale = scale ?? 1 / Double(axes[3].size).squareRoot()
  guard scale.isFinite else {
    tracer.report("the scale must be finite, got \(scale)", call)
    return tracer.poison(call.site)
  }
  let op = Attention(
    heads: axes[1], keyHeads: keyHeads, scale: scale, window: window, softCap: softCap,
    rate: dropout, stream: dropout > 0 ? tracer.nextStream() : 0)
  let merged =
    [q.keeping(width: width).merged(call)]
    + [k, v].map { $0.keeping(width: keyWidth).merged(call) }
  let y = tracer.tensor(.attention(op), merged + (sinks.map { [$0] } ?? []), call)
  let split = SplitHeads(heads: axes[1], depth: axes[3])
  return tracer.tensor(.splitHeads(split), [y], call).keeping(width: width)
}

extension Tracer {
  /// The axes of queries and the heads of keys, or nil after reporting that they do not fit.
  fileprivate func attentionAxes(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ call: Call
  ) -> (queries: [GraphIR.Axis], keyHeads: GraphIR.Axis)? {
    guard let type = q.type, let keys = k.type, let values = v.type else { return nil }
    guard type.axes.count == 4 else {
      report(
        "expected queries [batch, heads, time, depth], got \(type)", call,
        hint: "cut the width into heads with .heads(count)")
      return nil
    }
    guard keys.axes.count == 4, [0, 2, 3].allSatisfy({ keys.axes[$0] == type.axes[$0] }),
      keys.element == type.element
    else {
      let depths = [type, keys].compactMap { $0.axes.last?.named }
      report(
        "keys must be \(type) like the queries, or of fewer heads, got \(keys)", call,
        hint: depths.count == 2 && depths[0] != depths[1]
          ? "queries have heads of \(depths[0]) columns, keys of \(depths[1])" : nil)
      return nil
    }
    guard values == keys else {
      report("values must be \(keys) like the keys, got \(values)", call)
      return nil
    }
    return (type.axes, keys.axes[1])
  }
}
