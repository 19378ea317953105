import MoE

// A small GPT-2: dense, with its own GELU, fused attention, and a head that is the token table. A
// model without experts to compare the others with, or to begin with and add them.
let V = Axis("V", 65), T = Axis("T", 64), B = Axis("B", 16)
let C = Axis("C", 128)
let heads = 4, depth = 4, rate = 0.1

/// The last layer of a residual branch: there are 2 · depth of them, whose sum begins small.
func last(_ x: Tensor) -> Tensor {
    let deviation = 0.02 / Double(2 * depth).squareRoot()
    return x.linear("proj", C, weights: .normal(deviation)).dropout(rate)
}

/// Causal self-attention scaled by 1 / sqrt(D), in one pass, [B, T, C] -> [B, T, C].
func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("query", C).heads(heads)                    // [B, H, T, D]
    let k = x.linear("key", C).heads(heads)                      // [B, H, T, D]
    let v = x.linear("value", C).heads(heads)                    // [B, H, T, D]
    return last(attention(q, k, v, dropout: rate).mergedHeads())
}

func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.layerNorm("norm")) }
    return h + scope("mlp") { last(h.layerNorm("norm").linear("up", 4 * C).gelu(.tanh)) }
}

LanguageModel("gpt2",                              // moec:intended evaluation-cost: it is small
              vocabulary: V, context: T, batch: B, linearWeights: .normal(0.02),
              optimizer: .adamW(learningRate: 1e-3, beta2: 0.99, weightDecay: 0.1),
              decaying: .matrices) { text in
    let table = parameter("token.weight", V, C, initial: .normal(0.02))
    let positions = text.positions.embedding("position", C, weights: .normal(0.02))
    let x = (text.tokens.embedding(table) + positions).dropout(rate)
    return layers("block", depth, x, block).layerNorm("final").linear(weight: table)
}
