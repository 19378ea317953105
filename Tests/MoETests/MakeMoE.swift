import GraphIR

@testable import MoE

/// Examples/makemoe.swift once more, as a function, so that tests have its graph in the process.
enum MakeMoE {
  static let V = Axis("V", 65)
  static let T = Axis("T", 32)
  static let B = Axis("B", 16)
  static let C = Axis("C", 128)
  static let E = Axis("E", 8)
  static let (heads, depth, dropout, chosen) = (8, 8, 0.1, 2)

  static func graph() throws -> Graph {
    try LanguageModel.trace(
      "makemoe", vocabulary: V, context: T, batch: B, linearWeights: .kaimingNormal,
      optimizer: .adamW(learningRate: 1e-3)
    ) { text in
      let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
      return layers("block", depth, x, block).layerNorm("final").linear("head", V)
    }
  }

  static func selfAttention(_ x: Tensor) -> Tensor {
    let q = x.linear("query", C, bias: false).heads(heads)
    let k = x.linear("key", C, bias: false).heads(heads)
    let v = x.linear("value", C, bias: false).heads(heads)
    let scale = 1 / Double(C.size).squareRoot()
    let weights = (q.matmul(k.transposed()) * scale).causalMasked().softmax().dropout(dropout)
    return weights.matmul(v).mergedHeads().linear("proj", C).dropout(dropout)
  }

  static func route(_ x: Tensor) -> Routing {
    let logits = x.linear("gate", E)
    let spread = x.linear("noise", E).softplus()
    return (logits + .normal(like: logits) * spread).top(chosen).softmax()
  }

  static func expert(_ x: Routed) -> Routed {
    x.linear("up", 4 * C).relu().linear("down", C).dropout(dropout)
  }

  static func block(_ x: Tensor) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.layerNorm("norm")) }
    return h
      + scope("mixture") {
        let n = h.layerNorm("norm")
        return expert(n.routed(by: route(n))).combined()
      }
  }
}
