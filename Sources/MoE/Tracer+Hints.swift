extension Tracer {
  /// What to do about operands that a function cannot take; nil where the message says it all.
  static func usualHint(_ function: String) -> String? {
    switch function {
    case "matmul":
      "the left's last axis must be the right's last but one; .transposed() swaps the last two"
    case "linear":
      "a weight is [out, in], where in is the last axis of what it is applied to"
    case "embedding":
      "a table is [entries, width], such as parameter(\"token\", V, C)"
    case "heads", "mergedHeads":
      ".heads(count) takes [batch, time, width], and .mergedHeads() what it gave"
    case "rotary":
      "rotate queries and keys as .heads(count) makes them, before attention(q, k, v)"
    case "transposed":
      "give it a tensor with two axes or more"
    case "causalMasked":
      "mask scores [..., T, T], which q.matmul(k.transposed()) gives"
    case "attention":
      "queries, keys and values are as .heads(count) makes them"
    case "softmax", "layerNorm", "rmsNorm":
      "give it a tensor of numbers with at least one axis"
    case "top":
      "choose from logits [batch, time, experts], such as x.linear(\"gate\", E)"
    case "routed", "combined":
      "route tensors of the same [batch, time] as the logits of their routing"
    default:
      nil
    }
  }
}
