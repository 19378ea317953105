import MoE

// A small Mixtral: RMSNorm, rotary attention whose queries share keys in groups, SwiGLU experts, top-2 of 8,
// and the loss that makes the experts share the tokens.
let V = Axis("V", 65), T = Axis("T", 128), B = Axis("B", 8)
let C = Axis("C", 128), F = Axis("F", 224), E = Axis("E", 8)
let queryHeads = 8, keyHeads = 2, depth = 4

/// Rotary grouped-query attention, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("q", C, bias: false).heads(queryHeads).rotary(base: 1e6)    // [B, H, T, D]
    let k = x.linear("k", C / 4, bias: false).heads(keyHeads).rotary(base: 1e6)  // [B, G, T, D]
    let v = x.linear("v", C / 4, bias: false).heads(keyHeads)                    // [B, G, T, D]
    return attention(q, k, v).mergedHeads().linear("o", C, bias: false)
}

/// SwiGLU expert: down(silu(gate(x)) * up(x)).
func expert(_ x: Routed) -> Routed {
    let gated = x.linear("gate", F, bias: false).silu() * x.linear("up", F, bias: false)
    return gated.linear("down", C, bias: false)
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.rmsNorm("norm")) }
    return h + scope("mixture") {
        let n = h.rmsNorm("norm")
        let routing = n.linear("router", E, bias: false).top(2).softmax().balanced(0.02)
        return expert(n.routed(by: routing)).combined()
    }
}

LanguageModel("mixtral", vocabulary: V, context: T, batch: B,  // moec:intended evaluation-cost: it is small
              linearWeights: .normal(0.02),
              optimizer: .adamW(learningRate: 1e-3, beta2: 0.95, weightDecay: 0.1), decaying: .matrices) { text in
    let x = text.tokens.embedding("token", C, weights: .normal(0.02))
    return layers("block", depth, x, block).rmsNorm("final").linear("head", V, bias: false)
}
