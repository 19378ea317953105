import MoE

// Many small gated experts and one that every token goes through, as in DeepSeekMoE: what all tokens
// need is learned once, and the 4 of 16 experts that a token is sent to can be narrow.
let V = Axis("V", 65), T = Axis("T", 64), B = Axis("B", 16)
let C = Axis("C", 128), E = Axis("E", 16)
let heads = 4, depth = 4, chosen = 4, rate = 0.1

/// Causal self-attention scaled by 1 / sqrt(D), in one pass, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("query", C, bias: false).heads(heads)       // [B, H, T, D]
    let k = x.linear("key", C, bias: false).heads(heads)         // [B, H, T, D]
    let v = x.linear("value", C, bias: false).heads(heads)       // [B, H, T, D]
    return attention(q, k, v, dropout: rate).mergedHeads().linear("proj", C)
}

/// The expert of all tokens: down(silu(gate(x)) * up(x)).
func shared(_ x: Tensor) -> Tensor {
    let gate = x.linear("gate", 2 * C, bias: false).silu()       // [B, T, 2C]
    return (gate * x.linear("up", 2 * C, bias: false)).linear("down", C, bias: false)
}

/// The same for the rows of each routed expert, half as wide.
func expert(_ x: Routed) -> Routed {
    let gate = x.linear("gate", C, bias: false).silu()           // [B*T*K, C] by E
    return (gate * x.linear("up", C, bias: false)).linear("down", C, bias: false)
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.layerNorm("norm")) }
    let n = h.layerNorm("norm")
    let routing = n.linear("router", E, bias: false).top(chosen).softmax()
    return h + scope("shared") { shared(n) }
        + scope("mixture") { expert(n.routed(by: routing)).combined() }
}

LanguageModel("shared-expert",                     // moec:intended evaluation-cost: it is small
              vocabulary: V, context: T, batch: B,
              optimizer: .adamW(learningRate: 1e-3, weightDecay: 0.1)) { text in
    let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
    return layers("block", depth, x, block).layerNorm("final").linear("head", V)
}
