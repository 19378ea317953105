import MoE

// A model of a few thousand parameters with fused attention, GELU experts and a head that is the
// token table: small enough to try an idea, and different from makemoe.swift wherever it can be.
let V = Axis("V", 65), T = Axis("T", 24), B = Axis("B", 4)
let C = Axis("C", 24), E = Axis("E", 3)
let rate = 0.05

/// Causal self-attention scaled by 1 / sqrt(D), in one pass, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("query", C, bias: false).heads(3)           // [B, H, T, D]
    let k = x.linear("key", C, bias: false).heads(3)             // [B, H, T, D]
    let v = x.linear("value", C, bias: false).heads(3)           // [B, H, T, D]
    return attention(q, k, v, dropout: rate).mergedHeads().linear("proj", C)
}

/// A gated expert: down(gelu(gate(x)) * up(x)).
func expert(_ x: Routed) -> Routed {
    let gate = x.linear("gate", 2 * C, bias: false).gelu()       // [B*T*K, 2C] by E
    return (gate * x.linear("up", 2 * C, bias: false)).linear("down", C, weights: .normal(0.02))
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.layerNorm("norm")) }
    return h + scope("mixture") {
        let n = h.layerNorm("norm")
        let routing = n.linear("router", E, bias: false, weights: .xavierNormal).top(2).softmax()
        return expert(n.routed(by: routing)).combined()
    }
}

LanguageModel("tiny",                              // moec:intended evaluation-cost: it is tiny
              vocabulary: V, context: T, batch: B, linearWeights: .xavierUniform,
              optimizer: .adamW(learningRate: 2e-3, weightDecay: 0.1)) { text in
    let table = parameter("token.weight", V, C, initial: .normal(0.2))
    let x = text.tokens.embedding(table) + text.positions.embedding("position", C)
    return layers("block", 2, x, block).layerNorm("final").linear(weight: table)
}
