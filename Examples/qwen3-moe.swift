import MoE

// A small Qwen3-MoE: each head's queries and keys are normalised before they are turned by position, queries
// share keys in groups, and 4 of 16 narrow SwiGLU experts see a token, with weights that sum to 1.
let V = Axis("V", 65), T = Axis("T", 64), B = Axis("B", 16)
let C = Axis("C", 128), F = Axis("F", 64), E = Axis("E", 16)
let queryHeads = 4, keyHeads = 2, depth = 4, chosen = 4

/// Rotary attention with normalised heads, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("q", C, bias: false).heads(queryHeads).rmsNorm("q_norm", epsilon: 1e-6)
    let k = x.linear("k", C / 2, bias: false).heads(keyHeads).rmsNorm("k_norm", epsilon: 1e-6)
    let v = x.linear("v", C / 2, bias: false).heads(keyHeads)    // [B, G, T, D]
    return attention(q.rotary(base: 1e6), k.rotary(base: 1e6), v)
        .mergedHeads().linear("o", C, bias: false)
}

/// A gated expert: down(silu(gate(x)) * up(x)).
func expert(_ x: Routed) -> Routed {
    let gated = x.linear("gate", F, bias: false).silu() * x.linear("up", F, bias: false)
    return gated.linear("down", C, bias: false)
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.rmsNorm("norm", epsilon: 1e-6)) }
    return h + scope("mixture") {
        let n = h.rmsNorm("norm", epsilon: 1e-6)
        // The published 0.001 is of a loss that is `chosen` where experts share alike; this one is 1 there.
        let routing = n.linear("router", E, bias: false).top(chosen).softmax()
            .balanced(0.001 * Double(chosen))
        return expert(n.routed(by: routing)).combined()
    }
}

LanguageModel("qwen3-moe", vocabulary: V, context: T, batch: B,  // moec:intended evaluation-cost: it is small
              linearWeights: .normal(0.02),
              optimizer: .adamW(learningRate: 1e-3, beta2: 0.95, weightDecay: 0.1), decaying: .matrices) { text in
    let x = text.tokens.embedding("token", C, weights: .normal(0.02))
    return layers("block", depth, x, block).rmsNorm("final", epsilon: 1e-6)
        .linear("head", V, bias: false)
}
