import CompiledModels
import GraphIR
import MoE
import Testing

/// Products whose last step draws random numbers, in every order of normal numbers and dropout.
@Suite struct RandomLastStepTests {
  enum Step: String, CaseIterable {
    case noise, dropout, quietNoise

    func callAsFunction(_ x: Tensor) -> Tensor {
      switch self {
      case .noise: x + .normal(like: x) * 0.3
      case .dropout: x.dropout(0.4)
      case .quietNoise: x + .normal(like: x, inEvaluation: false)
      }
    }
  }

  static let orders =
    Step.allCases.map { [$0] }
    + Step.allCases.flatMap { first in Step.allCases.map { [first, $0] } }

  @Test("A dense product's last step draws what the graph says", arguments: orders)
  func dense(steps: [Step]) throws {
    try agrees { x, C, _ in steps.reduce(x.linear("up", C)) { $1($0) } }
  }

  @Test(
    "A router's noise is there in training, also where it is off in evaluation", arguments: orders)
  func router(steps: [Step]) throws {
    try agrees { x, C, E in
      let scores = steps.reduce(x.linear("gate", E, bias: false)) { $1($0) }
      return x.routed(by: scores.top(2).softmax()).linear("up", C).combined()
    }
  }

  private func agrees(_ body: (Tensor, MoE.Axis, MoE.Axis) -> Tensor) throws {
    let (V, T, B) = (MoE.Axis("V", 7), MoE.Axis("T", 9), MoE.Axis("B", 3))
    let (C, E) = (MoE.Axis("C", 5), MoE.Axis("E", 4))
    let graph = try LanguageModel.trace("random", vocabulary: V, context: T, batch: B) { text in
      body(text.tokens.embedding("token", C), C, E).linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    for seed in [1, 2, 3] as [UInt64] {
      let found = try Trial(compiled, seed: seed).disagreements(tolerance: 1e-4)
      #expect(found.isEmpty, "seed \(seed): \(found)")
    }
  }
}
