import MoE

// A small Switch Transformer, as a decoder: one expert for each token, weighed by its probability, so
// that the router learns; jitter before the router, and the loss that makes experts share the tokens.
let V = Axis("V", 65), T = Axis("T", 64), B = Axis("B", 16)
let C = Axis("C", 128), E = Axis("E", 8)
let heads = 4, depth = 4, rate = 0.1

/// Causal self-attention scaled by 1 / sqrt(D), in one pass, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("query", C, bias: false).heads(heads)       // [B, H, T, D]
    let k = x.linear("key", C, bias: false).heads(heads)         // [B, H, T, D]
    let v = x.linear("value", C, bias: false).heads(heads)       // [B, H, T, D]
    return attention(q, k, v, dropout: rate).mergedHeads().linear("proj", C, bias: false)
}

/// One of the experts, relu between two matrices, [B*T, C] by E.
func expert(_ x: Routed) -> Routed {
    x.linear("up", 4 * C, bias: false).relu().linear("down", C, bias: false).dropout(rate)
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.rmsNorm("norm")) }
    return h + scope("mixture") {
        let n = h.rmsNorm("norm")
        let logits = n.jittered(0.01).linear("router", E, bias: false).zLoss(0.001)
        let routing = logits.softmax().top(1).weights().balanced(0.01)
        let room = Capacity.share(1.25, atLeast: 4).perSequence()
        return expert(n.routed(by: routing, capacity: room)).combined()
    }
}

LanguageModel("switch", vocabulary: V, context: T, batch: B,  // moec:intended evaluation-cost: it is small
              linearWeights: .xavierNormal,
              optimizer: .adamW(learningRate: 1e-3, weightDecay: 0.1), decaying: .matrices) { text in
    let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
    return layers("block", depth, x, block).rmsNorm("final").linear("head", V, bias: false)
}
