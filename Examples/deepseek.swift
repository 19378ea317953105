import MoE

// A small DeepSeek-V3 without its latent attention: experts scored by sigmoids and chosen with a bias that no
// gradient changes and that turns to those with less to do; an expert for all tokens; the first layer dense.
let V = Axis("V", 65), T = Axis("T", 64), B = Axis("B", 16)
let C = Axis("C", 128), F = Axis("F", 64), E = Axis("E", 16)
let heads = 4, depth = 4, chosen = 4, denseLayers = 1

/// Rotary attention, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("q", C, bias: false).heads(heads).rotary()  // [B, H, T, D]
    let k = x.linear("k", C, bias: false).heads(heads).rotary()  // [B, H, T, D]
    let v = x.linear("v", C, bias: false).heads(heads)           // [B, H, T, D]
    return attention(q, k, v).mergedHeads().linear("o", C, bias: false)
}

/// down(silu(gate(x)) * up(x)) for every token.
func gated(_ x: Tensor, _ width: Axis) -> Tensor {
    let gated = x.linear("gate", width, bias: false).silu() * x.linear("up", width, bias: false)
    return gated.linear("down", C, bias: false)
}

/// The same for the rows of each expert.
func expert(_ x: Routed) -> Routed {
    let gated = x.linear("gate", F, bias: false).silu() * x.linear("up", F, bias: false)
    return gated.linear("down", C, bias: false)
}

/// The experts of each token.
func mixture(_ x: Tensor) -> Tensor {
    let bias = routerBias("bias", E, rate: 0.001)
    let s = x.linear("router", E, bias: false).sigmoid()         // [B, T, E]
    let routing = s.top(chosen, by: s + bias.value).normalized(scaled: 2.5)
        .balanced(by: bias)
    return expert(x.routed(by: routing)).combined()
}

func block(_ x: Tensor, _ index: Int) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.rmsNorm("norm")) }
    let n = h.rmsNorm("norm")
    if index < denseLayers { return h + scope("mlp") { gated(n, 4 * C) } }
    return h + scope("shared") { gated(n, F) } + scope("mixture") { mixture(n) }
}

LanguageModel("deepseek", vocabulary: V, context: T, batch: B,  // moec:intended evaluation-cost: it is small
              linearWeights: .normal(0.02),
              optimizer: .adamW(learningRate: 1e-3, beta2: 0.95, weightDecay: 0.1), decaying: .matrices) { text in
    let x = text.tokens.embedding("token", C, weights: .normal(0.02))
    return layers("block", depth, x, block).rmsNorm("final").linear("head", V, bias: false)
}
