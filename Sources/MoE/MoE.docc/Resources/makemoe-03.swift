import MoE

let V = Axis("V", 65)        // vocabulary
let T = Axis("T", 32)        // context length
let B = Axis("B", 16)        // sequences per batch
let C = Axis("C", 128)       // residual width
let heads = 8

/// Causal self-attention, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("query", C, bias: false).heads(heads)       // [B, H, T, D]
    let k = x.linear("key", C, bias: false).heads(heads)         // [B, H, T, D]
    let v = x.linear("value", C, bias: false).heads(heads)       // [B, H, T, D]
    let scale = 1 / Double(C.size).squareRoot()
    let weights = (q.matmul(k.transposed()) * scale).causalMasked().softmax()
    return weights.matmul(v).mergedHeads().linear("proj", C)
}

LanguageModel("makemoe", vocabulary: V, context: T, batch: B) { text in
    let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
    let h = x + scope("attention") { selfAttention(x.layerNorm("norm")) }
    return h.layerNorm("final").linear("head", V)
}
