import MoE

// makeMoE's noisy router, completed by the two losses of the paper that it is from (Shazeer et al. 2017):
// importance, so that experts count alike, and load, so that they get as many tokens. The noise has a floor
// and is for training alone; the router begins at 0, where noise decides.
let V = Axis("V", 65), T = Axis("T", 32), B = Axis("B", 16)
let C = Axis("C", 128), E = Axis("E", 8)
let heads = 8, depth = 4, chosen = 2, rate = 0.1

/// Causal self-attention scaled by 1 / sqrt(D), in one pass, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("query", C, bias: false).heads(heads)       // [B, H, T, D]
    let k = x.linear("key", C, bias: false).heads(heads)         // [B, H, T, D]
    let v = x.linear("value", C, bias: false).heads(heads)       // [B, H, T, D]
    return attention(q, k, v, dropout: rate).mergedHeads().linear("proj", C)
}

/// Noisy top-k: which experts see a token, and how much each one counts.
func route(_ x: Tensor) -> Routing {
    let clean = x.linear("gate", E, bias: false, weights: .zeros)                     // [B, T, E]
    let spread = x.linear("noise", E, bias: false, weights: .zeros).softplus() + 0.01 // [B, T, E]
    let noisy = clean + .normal(like: clean, inEvaluation: false) * spread
    return noisy.top(chosen).softmax().importance(0.1).load(0.1, clean: clean, spread: spread)
}

/// One of the experts, [B*T*K, C] by E.
func expert(_ x: Routed) -> Routed {
    x.linear("up", 4 * C).relu().linear("down", C).dropout(rate)
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.layerNorm("norm")) }
    return h + scope("mixture") {
        let n = h.layerNorm("norm")
        return expert(n.routed(by: route(n))).combined()
    }
}

LanguageModel("shazeer", vocabulary: V, context: T, batch: B, // moec:intended evaluation-cost: it is small
              linearWeights: .kaimingNormal, optimizer: .adamW(learningRate: 1e-3)) { text in
    let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
    return layers("block", depth, x, block).layerNorm("final").linear("head", V)
}
