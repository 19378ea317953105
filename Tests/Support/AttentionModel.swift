import GraphIR
import MoE

/// A small model whose attention is written in one of the ways that there are.
public struct AttentionModel: Sendable, CustomStringConvertible {
  public enum Form: String, Sendable, CaseIterable {
    /// Queries, keys and values of one product; of three, with a bias each.
    case joined, separate

    /// As joined ones, but queries and keys are turned by position; of the second kind in pairs side by
    /// side, and attention is written step by step.
    case rotary, rotaryInterleaved

    /// Turned as rotary ones, by sines and cosines of the positions.
    case turnedByHand

    /// The steps one by one, which become one attention.
    case written

    /// Values are what comes into the block: a buffer between layers.
    case givenValues

    /// Queries, keys and values are the same tensor.
    case same

    /// Twice in a block, after no layer at all.
    case twice

    /// Two query heads for each head of keys and values; all for one.
    case grouped, multiQuery

    /// Each query sees its last 7 keys; scores are capped; each head has a sink.
    case window, softCap, sinks

    /// Groups, rotary positions, a window, a cap and sinks together.
    case all
  }

  public var form: Form
  public var (B, T, V, C) = (2, 37, 11, 48)
  public var (heads, depth) = (3, 2)

  /// Whether the blocks are uses of `layers`, or lie in the model as they are.
  public var isLayered = true

  public init(_ form: Form, _ change: (inout AttentionModel) -> Void = { _ in }) {
    self.form = form
    change(&self)
  }

  public var description: String { form.rawValue + (isLayered ? "" : ", no layers") }

  public func graph() throws -> Graph {
    let (V, T, B) = (MoE.Axis("V", V), MoE.Axis("T", T), MoE.Axis("B", B))
    let (C, E) = (MoE.Axis("C", C), MoE.Axis("E", 3))
    return try LanguageModel.trace(
      form.rawValue, vocabulary: V, context: T, batch: B, linearWeights: .normal(0.3),
      optimizer: .adamW()
    ) { text in
      var x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
      if isLayered {
        x = layers("block", depth, x) { block($0, C, E, text) }
      } else {
        for index in 0..<depth { x = scope("block\(index)") { block(x, C, E, text) } }
      }
      return x.layerNorm("final").linear("head", V)
    }
  }

  private func block(_ x: Tensor, _ C: MoE.Axis, _ E: MoE.Axis, _ text: MoE.Text) -> Tensor {
    let h = x + scope("attention") { selfAttention(x, C, text).linear("proj", C) }
    let n = h.layerNorm("norm")
    let routing = n.linear("gate", E).top(2).softmax()
    let rows = n.routed(by: routing).linear("up", 2 * C).gelu().linear("down", C).dropout(0.1)
    return h + rows.combined()
  }

  private func selfAttention(_ x: Tensor, _ C: MoE.Axis, _ text: MoE.Text) -> Tensor {
    let isBiased = form == .separate
    let n = x.layerNorm("norm")
    func projected(_ name: String) -> Tensor {
      n.linear(name, C, bias: isBiased).heads(heads)
    }
    switch form {
    case .joined, .separate:
      return attention(projected("q"), projected("k"), projected("v"), dropout: 0.1).mergedHeads()
    case .written:
      let scores = projected("q").matmul(projected("k").transposed()) * 0.3
      return scores.causalMasked().softmax().dropout(0.1).matmul(projected("v")).mergedHeads()
    case .rotary:
      let (q, k) = (projected("q").rotary(), projected("k").rotary())
      return attention(q, k, projected("v"), dropout: 0.1).mergedHeads()
    case .turnedByHand:
      let D = MoE.Axis("D", C.size / heads)
      let (q, k) = (projected("q"), projected("k"))
      return attention(
        Handwritten.rotary(q, D, text), Handwritten.rotary(k, D, text), projected("v"),
        dropout: 0.1
      ).mergedHeads()
    case .rotaryInterleaved:
      let q = projected("q").rotary(base: 50, interleaved: true)
      let k = projected("k").rotary(base: 50, interleaved: true)
      return (q.matmul(k.transposed()) * 0.3).causalMasked().softmax().matmul(projected("v"))
        .mergedHeads()
    case .givenValues:
      return attention(projected("q"), projected("k"), x.heads(heads)).mergedHeads()
    case .window: return given(n, keys: heads, window: 7)
    case .softCap: return given(n, keys: heads, cap: 1.5)
    case .sinks: return given(n, keys: heads, hasSinks: true)
    case .grouped: return given(n, queries: 2 * heads, keys: heads)
    case .multiQuery: return given(n, keys: 1)
    case .all:
      return given(
        n, queries: 2 * heads, keys: heads, window: 9, cap: 2, hasSinks: true, isTurned: true)
    case .same: return attention(x.heads(heads), x.heads(heads), x.heads(heads)).mergedHeads()
    case .twice:
      let first = attention(projected("q"), projected("k"), projected("v"))
      let other = n.linear("other", C).heads(heads)
      return attention(other, first, projected("w")).mergedHeads()
    }
  }

  /// Attention that is not plain.
  private func given(
    _ n: Tensor, queries: Int? = nil, keys: Int, window: Int? = nil, cap: Double? = nil,
    hasSinks: Bool = false, isTurned: Bool = false
  ) -> Tensor {
    let queries = queries ?? heads
    func projected(_ name: String, _ count: Int) -> Tensor {
      let width = count * MoE.Axis("D", C / queries)
      return n.linear(name, width, bias: false).heads(count)
    }
    let (q, k, v) = (projected("q", queries), projected("k", keys), projected("v", keys))
    let sinks = hasSinks ? parameter("sinks", MoE.Axis("H", queries), initial: .normal(1)) : nil
    return attention(
      isTurned ? q.rotary() : q, isTurned ? k.rotary() : k, v, window: window, softCap: cap,
      sinks: sinks, dropout: 0.1
    ).mergedHeads()
  }
}
