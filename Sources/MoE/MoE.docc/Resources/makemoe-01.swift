import MoE

let V = Axis("V", 65)        // vocabulary
let T = Axis("T", 32)        // context length
let B = Axis("B", 16)        // sequences per batch

LanguageModel("makemoe", vocabulary: V, context: T, batch: B) { text in
    text.tokens.embedding("token", V)
}
