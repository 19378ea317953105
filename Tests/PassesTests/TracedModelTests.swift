import MoE
import Testing

@testable import Passes

/// Attention as a model.swift writes it.
@Suite struct TracedModelTests {
  private func kinds(_ attention: (Tensor) -> Tensor) throws -> [String] {
    let C = Axis("C", 8)
    let graph = try LanguageModel.trace(
      "traced", vocabulary: Axis("V", 7), context: Axis("T", 5), batch: Axis("B", 2)
    ) { text in
      let x = text.tokens.embedding("token", C)
      return attention(x).linear("head", Axis("V", 7))
    }
    return try Pipeline().run(graph).nodes.filter { $0.phase == .forward }.map(\.op.mnemonic)
      .filter { $0 != "parameter" && $0 != "input" }
  }

  private let fused = [
    "embedding", "linear", "linear", "linear", "attention", "linear", "crossEntropy",
  ]

  @Test func attentionInStepsBecomesOneOp() throws {
    let C = Axis("C", 8)
    let steps = try kinds { x in
      let q = x.linear("q", C).heads(2)
      let k = x.linear("k", C).heads(2)
      let v = x.linear("v", C).heads(2)
      let weights = (q.matmul(k.transposed()) * 0.3).causalMasked().softmax().dropout(0.1)
      return weights.matmul(v).mergedHeads()
    }
    #expect(steps == fused)
  }

  @Test func attentionOfThreeOperandsLosesItsHeads() throws {
    let C = Axis("C", 8)
    let call = try kinds { x in
      let q = x.linear("q", C).heads(2)
      let k = x.linear("k", C).heads(2)
      let v = x.linear("v", C).heads(2)
      return attention(q, k, v, dropout: 0.1).mergedHeads()
    }
    #expect(call == fused)
  }
}
