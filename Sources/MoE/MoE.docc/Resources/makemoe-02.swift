import MoE

let V = Axis("V", 65)        // vocabulary
let T = Axis("T", 32)        // context length
let B = Axis("B", 16)        // sequences per batch
let C = Axis("C", 128)       // residual width

LanguageModel("makemoe", vocabulary: V, context: T, batch: B) { text in
    let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
    return x.layerNorm("final").linear("head", V)
}
