import MoE

// A small Llama: dense, RMSNorm, rotary attention whose queries share keys in groups, SwiGLU. A model
// without experts to compare the others with.
let V = Axis("V", 65), T = Axis("T", 64), B = Axis("B", 16)
let C = Axis("C", 128), F = Axis("F", 352)
let queryHeads = 4, keyHeads = 2, depth = 4

/// Rotary grouped-query attention, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("q", C, bias: false).heads(queryHeads).rotary()    // [B, H, T, D]
    let k = x.linear("k", C / 2, bias: false).heads(keyHeads).rotary()  // [B, G, T, D]
    let v = x.linear("v", C / 2, bias: false).heads(keyHeads)           // [B, G, T, D]
    return attention(q, k, v).mergedHeads().linear("o", C, bias: false)
}

/// SwiGLU: down(silu(gate(x)) * up(x)).
func gated(_ x: Tensor) -> Tensor {
    let gated = x.linear("gate", F, bias: false).silu() * x.linear("up", F, bias: false)
    return gated.linear("down", C, bias: false)
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.rmsNorm("norm")) }
    return h + scope("mlp") { gated(h.rmsNorm("norm")) }
}

LanguageModel("llama", vocabulary: V, context: T, batch: B,  // moec:intended evaluation-cost: it is small
              linearWeights: .normal(0.02),
              optimizer: .adamW(learningRate: 1e-3, beta2: 0.95, weightDecay: 0.1), decaying: .matrices) { text in
    let x = text.tokens.embedding("token", C, weights: .normal(0.02))
    return layers("block", depth, x, block).rmsNorm("final").linear("head", V, bias: false)
}
