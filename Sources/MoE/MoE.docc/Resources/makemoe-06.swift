import MoE

let V = Axis("V", 65)        // vocabulary
let T = Axis("T", 32)        // context length
let B = Axis("B", 16)        // sequences per batch
let C = Axis("C", 128)       // residual width
let heads = 8, dropout = 0.1
let E = Axis("E", 8), chosen = 2

/// Causal self-attention, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("query", C, bias: false).heads(heads)       // [B, H, T, D]
    let k = x.linear("key", C, bias: false).heads(heads)         // [B, H, T, D]
    let v = x.linear("value", C, bias: false).heads(heads)       // [B, H, T, D]
    let scale = 1 / Double(C.size).squareRoot()    // moec:intended attention-scale: by C, not D
    let weights = (q.matmul(k.transposed()) * scale).causalMasked().softmax().dropout(dropout)
    return weights.matmul(v).mergedHeads().linear("proj", C).dropout(dropout)
}

/// Noisy top-k router: which experts see a token, and how much each one counts.
func route(_ x: Tensor) -> Routing {
    let logits = x.linear("gate", E)                             // [B, T, E]
    let spread = x.linear("noise", E).softplus()   // moec:intended noise-in-evaluation: makeMoE's
    return (logits + .normal(like: logits) * spread).top(chosen).softmax()
}

/// One expert. Traced once; its weights are stacked, [E, 4C, C] and [E, C, 4C].
func expert(_ x: Routed) -> Routed {
    x.linear("up", 4 * C).relu().linear("down", C).dropout(dropout)
}

LanguageModel("makemoe", vocabulary: V, context: T, batch: B) { text in
    let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
    let h = x + scope("attention") { selfAttention(x.layerNorm("norm")) }
    let y = h + scope("mixture") {
        let n = h.layerNorm("norm")
        return expert(n.routed(by: route(n))).combined()
    }
    return y.layerNorm("final").linear("head", V)
}
