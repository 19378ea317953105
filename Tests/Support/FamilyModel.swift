import GraphIR
import MoE

/// Small models of the families that people know, written with the DSL as in `Examples`.
public struct FamilyModel: Sendable {
  public enum Family: String, Sendable {
    case llama, gpt2, mixtral, olmoe
    case qwen2MoE = "qwen2-moe"
    case qwen3MoE = "qwen3-moe"
    case gptOSS = "gpt-oss"

    case deepseekV3 = "deepseek-v3"
  }

  public var family: Family
  public var (B, T, V, C) = (2, 9, 19, 16)
  public var (heads, keyHeads, headDepth, depth) = (4, 2, 4, 2)

  /// Of DeepSeek's attention: the widths of what queries are made of, and keys and values; how many
  /// numbers of a head are turned by position, beside `headDepth` others; a head's values.
  public var (queryRank, keyRank, turnedDepth, valueDepth) = (0, 0, 0, 0)

  /// The widths of an expert (or of a dense layer), of that of all tokens, of a dense first layer.
  public var (F, shared, dense) = (12, 0, 0)
  public var (experts, chosen) = (4, 2)

  /// Whether weights of the chosen experts are divided by their sum.
  public var isNormalized = true
  public var (groups, keptGroups, scaled) = (1, 1, 1.0)
  public var (window, limit): (Int?, Double?) = (nil, nil)
  public var (base, normEpsilon) = (1e4, 1e-5)
  public var (balance, biasRate) = (0.0, 0.0)
  public var optimizer = GraphIR.Optimizer.adamW()

  public init(_ family: Family, _ change: (inout FamilyModel) -> Void = { _ in }) {
    self.family = family
    change(&self)
  }

  public func graph() throws -> Graph {
    let (V, C) = (MoE.Axis("V", V), MoE.Axis("C", C))
    return try LanguageModel.trace(
      family.rawValue, vocabulary: V, context: MoE.Axis("T", T), batch: MoE.Axis("B", B),
      optimizer: optimizer
    ) { text in
      if family == .gpt2 { return gpt2(text, V, C) }
      var routings: [Routing] = []
      let x = layers("block", depth, text.tokens.embedding("token", C)) { x, index in
        let h =
          x
          + scope("attention") {
            let n = norm(x, "norm")
            return keyRank > 0 ? latentAttention(n, C) : selfAttention(n, index, C)
          }
        if experts == 0 || (index == 0 && dense > 0) {
          let width = MoE.Axis("M", experts == 0 ? F : dense)
          return h + scope("mlp") { gated(norm(h, "norm"), width, C) }
        }
        return h + scope("mixture") { mixture(norm(h, "norm"), C, &routings) }
      }
      if balance > 0, family != .deepseekV3 { MoE.balance(routings, weight: balance) }
      return norm(x, "final").linear("head", V, bias: false)
    }
  }

  private func norm(_ x: Tensor, _ name: String) -> Tensor {
    x.rmsNorm(name, epsilon: normEpsilon)
  }

  private func selfAttention(_ x: Tensor, _ index: Int, _ C: MoE.Axis) -> Tensor {
    let Q = MoE.Axis("Q", heads * headDepth)
    let K = MoE.Axis("KV", keyHeads * headDepth)
    let isBiased = family == .qwen2MoE || family == .gptOSS
    var q = x.linear("q", Q, bias: isBiased)
    var k = x.linear("k", K, bias: isBiased)
    let v = x.linear("v", K, bias: isBiased).heads(keyHeads)
    if family == .olmoe { (q, k) = (norm(q, "q_norm"), norm(k, "k_norm")) }
    (q, k) = (q.heads(heads), k.heads(keyHeads))
    if family == .qwen3MoE { (q, k) = (norm(q, "q_norm"), norm(k, "k_norm")) }
    let sinks =
      family == .gptOSS
      ? parameter("sinks", MoE.Axis("sinks", heads), initial: .normal(1)) : nil
    let y = attention(
      q.rotary(base: base), k.rotary(base: base), v, window: index % 2 == 0 ? window : nil,
      sinks: sinks)
    return y.mergedHeads().linear("o", C, bias: family == .gptOSS)
  }

  /// Queries, keys and values of narrow rows; all heads share the turned part of the keys.
  private func latentAttention(_ x: Tensor, _ C: MoE.Axis) -> Tensor {
    let (N, R) = (MoE.Axis("N", headDepth), MoE.Axis("R", turnedDepth))
    let (V, D) = (MoE.Axis("W", valueDepth), MoE.Axis("D", headDepth + turnedDepth))
    let q = x.linear("q_down", MoE.Axis("QL", queryRank), bias: false)
      .rmsNorm("q_norm", epsilon: 1e-6)
      .linear("q_up", MoE.Axis("Q", heads * D.size), bias: false).heads(heads).split(N, R)
    let turned = q[1].rotary(base: base, interleaved: true)
    let L = MoE.Axis("L", keyRank)
    let narrow = x.linear("kv_down", MoE.Axis("LR", keyRank + turnedDepth), bias: false).split(L, R)
    let kv = narrow[0].rmsNorm("kv_norm", epsilon: 1e-6)
      .linear("kv_up", MoE.Axis("KV", heads * (headDepth + valueDepth)), bias: false)
      .heads(heads).split(N, V)
    let shared = narrow[1].heads(1).rotary(base: base, interleaved: true).mergedHeads()
    let k = concatenated(kv[0], .constant(0, like: turned) + shared, as: D)
    let rest = q[0].slice(MoE.Axis("P", D.size - valueDepth), from: 0)
    let y = attention(
      concatenated(q[0], turned, as: D), k, concatenated(kv[1], .constant(0, like: rest), as: D))
    return y.slice(V, from: 0).mergedHeads().linear("o", C, bias: false)
  }

  private func gated(_ x: Tensor, _ width: MoE.Axis, _ C: MoE.Axis) -> Tensor {
    let gated = x.linear("gate", width, bias: false).silu() * x.linear("up", width, bias: false)
    return gated.linear("down", C, bias: false)
  }

  private func mixture(_ x: Tensor, _ C: MoE.Axis, _ routings: inout [Routing]) -> Tensor {
    let routing = route(x, MoE.Axis("E", experts))
    routings.append(routing)
    let y = expert(x.routed(by: routing), C).combined()
    if shared == 0 { return y }
    let all = scope("shared") { gated(x, MoE.Axis("S", shared), C) }
    if family == .deepseekV3 { return all + y }
    let one = MoE.Axis("one", 1)
    let gate = x.linear("share", one, bias: false).sigmoid()
    return gate.sum(over: one) * all + y
  }

  private func route(_ x: Tensor, _ E: MoE.Axis) -> Routing {
    let z = x.linear("router", E, bias: family == .gptOSS)
    if family == .deepseekV3 {
      let bias = routerBias("bias", E, rate: biasRate)
      let s = z.sigmoid()
      let best = (s + bias.value).limited(toGroups: keptGroups, of: groups)
      return s.top(chosen, by: best).normalized(scaled: scaled)
        .balanced(by: bias).balanced(balance, over: .sequence)
    }
    if family == .qwen3MoE, isNormalized { return z.softmax().top(chosen).normalized() }
    return isNormalized ? z.top(chosen).softmax() : z.softmax().top(chosen).weights()
  }

  private func expert(_ x: Routed, _ C: MoE.Axis) -> Routed {
    let F = MoE.Axis("F", F)
    guard let limit else {
      let gated = x.linear("gate", F, bias: false).silu() * x.linear("up", F, bias: false)
      return gated.linear("down", C, bias: false)
    }
    let gate = min(x.linear("gate", F), limit)
    let up = x.linear("up", F).clamped(-limit...limit)
    return ((up + 1) * gate * (gate * 1.702).sigmoid()).linear("down", C)
  }

  private func gpt2(_ text: Text, _ V: MoE.Axis, _ C: MoE.Axis) -> Tensor {
    let table = parameter("token.weight", V, C, initial: .normal(0.02))
    let x = text.tokens.embedding(table) + text.positions.embedding("position", C)
    let y = layers("block", depth, x) { x in
      let h =
        x
        + scope("attention") {
          let n = x.layerNorm("norm", epsilon: normEpsilon)
          let parts = ["query", "key", "value"].map { n.linear($0, C).heads(heads) }
          return attention(parts[0], parts[1], parts[2]).mergedHeads().linear("proj", C)
        }
      return h
        + scope("mlp") {
          let n = h.layerNorm("norm", epsilon: normEpsilon)
          return n.linear("up", MoE.Axis("F", F)).gelu(.tanh).linear("proj", C)
        }
    }
    return y.layerNorm("final", epsilon: normEpsilon).linear(weight: table)
  }
}
