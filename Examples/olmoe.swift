import MoE

// A small OLMoE: many small experts, weighed by a softmax over all of them, not only the chosen ones; queries
// and keys are normalised over the whole width; a loss for balance and one for small logits.
let V = Axis("V", 65), T = Axis("T", 64), B = Axis("B", 16)
let C = Axis("C", 128), F = Axis("F", 64), E = Axis("E", 16)
let heads = 4, depth = 4, chosen = 4

/// Rotary attention with normalised queries and keys, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("q", C, bias: false).rmsNorm("q_norm").heads(heads).rotary()  // [B, H, T, D]
    let k = x.linear("k", C, bias: false).rmsNorm("k_norm").heads(heads).rotary()  // [B, H, T, D]
    let v = x.linear("v", C, bias: false).heads(heads)                             // [B, H, T, D]
    return attention(q, k, v).mergedHeads().linear("o", C, bias: false)
}

/// A gated expert: down(silu(gate(x)) * up(x)).
func expert(_ x: Routed) -> Routed {
    let gated = x.linear("gate", F, bias: false).silu() * x.linear("up", F, bias: false)
    return gated.linear("down", C, bias: false)
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.rmsNorm("norm")) }
    return h + scope("mixture") {
        let n = h.rmsNorm("norm")
        let logits = n.linear("router", E, bias: false).zLoss(0.001)
        let routing = logits.softmax().top(chosen).weights().balanced(0.01)
        return expert(n.routed(by: routing)).combined()
    }
}

LanguageModel("olmoe", vocabulary: V, context: T, batch: B,  // moec:intended evaluation-cost: it is small
              linearWeights: .normal(0.02),
              optimizer: .adamW(learningRate: 1e-3, beta2: 0.95, weightDecay: 0.1), decaying: .matrices) { text in
    let x = text.tokens.embedding("token", C, weights: .normal(0.02))
    return layers("block", depth, x, block).rmsNorm("final").linear("head", V, bias: false)
}
