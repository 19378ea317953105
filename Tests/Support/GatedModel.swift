import GraphIR
import MoE

/// A small model with products of the same rows of every kind: a gated unit, gated experts, projections
/// that are no one matrix, last steps of some and not of others, and a router with noise.
public struct GatedModel: Sendable {
  public var (B, T, V, C, F) = (2, 7, 11, 12, 20)
  public var (experts, chosen, depth) = (4, 2, 2)
  public var isNoisy = true

  /// Whether before and behind the layers stand products of the same rows, in no layer.
  public var reachesPast = false

  public init(_ change: (inout GatedModel) -> Void = { _ in }) { change(&self) }

  public func graph() throws -> Graph {
    let (V, C) = (MoE.Axis("V", V), MoE.Axis("C", C))
    return try LanguageModel.trace(
      "gated", vocabulary: V, context: MoE.Axis("T", T), batch: MoE.Axis("B", B),
      linearWeights: .normal(0.3), optimizer: .adamW()
    ) { text in
      let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
      let start = reachesPast ? x.linear("before", C) : x
      let y = layers("block", depth, start) { block($0, C) }.layerNorm("final")
      return (reachesPast ? y + x.linear("behind", C) : y).linear("head", V)
    }
  }

  private func block(_ x: Tensor, _ C: MoE.Axis) -> Tensor {
    let h = x + scope("attention") { attended(x.layerNorm("norm"), C) }
    let n = h.layerNorm("norm")
    let routed = n.routed(by: routing(n))
    return h + scope("shared") { unit(n, C) } + scope("mixture") { expert(routed, C).combined() }
  }

  /// Keys come first, so that the three weights do not lie in the order in which attention reads them.
  private func attended(_ x: Tensor, _ C: MoE.Axis) -> Tensor {
    let k = x.linear("key", C, bias: false).heads(3)
    let q = x.linear("query", C, bias: false).heads(3)
    let v = x.linear("value", C, bias: false).heads(3)
    return attention(q, k, v).mergedHeads().linear("proj", C)
  }

  private func routing(_ x: Tensor) -> Routing {
    let E = MoE.Axis("E", experts)
    let logits = x.linear("router", E)
    let spread = x.linear("noise", E).softplus()
    return
      (isNoisy ? logits + .normal(like: logits, inEvaluation: false) * spread : logits + spread)
      .top(chosen).softmax()
  }

  /// The gate's last step is its activation, and the third's a dropout.
  private func unit(_ x: Tensor, _ C: MoE.Axis) -> Tensor {
    let F = MoE.Axis("F", F)
    let gate = x.linear("gate", F, bias: false).relu()
    let up = x.linear("up", F, bias: false)
    let third = x.linear("third", F, bias: false).dropout(0.2)
    return (gate * up).linear("down", C) + third.linear("second", C)
  }

  private func expert(_ x: Routed, _ C: MoE.Axis) -> Routed {
    let F = MoE.Axis("F", F)
    let gate = x.linear("gate", F).silu()
    return (gate * x.linear("up", F)).linear("down", C)
  }
}
