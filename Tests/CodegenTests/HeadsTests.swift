import Comparison
import CompiledModels
import GraphIR
import MoE
import Testing

/// What a model does to heads between `heads` and `attention`.
@Suite struct HeadsTests {
  private static let V = MoE.Axis("V", 11), T = MoE.Axis("T", 6), B = MoE.Axis("B", 2)
  private static let C = MoE.Axis("C", 8), D = MoE.Axis("D", 4), W = MoE.Axis("W", 3)

  enum Change: String, CaseIterable, Sendable {
    case norm, softmax, linear, narrow, sharedWeight, rotary

    func apply(_ x: Tensor, _ name: String) -> Tensor {
      switch self {
      case .norm: x.layerNorm(name)
      case .softmax: x.softmax()
      case .linear: x.linear(name, D)
      case .narrow: x.linear(name, W)
      case .rotary: x.layerNorm(name).rotary(base: 20)
      case .sharedWeight: x.linear(weight: parameter(name, D, D))
      }
    }
  }

  @Test("Attention takes heads whatever was done to them", arguments: Change.allCases)
  func attention(change: Change) throws {
    let (V, C) = (Self.V, Self.C)
    let graph = try LanguageModel.trace(
      "heads", vocabulary: V, context: Self.T, batch: Self.B
    ) { text in
      let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
      func heads(_ name: String) -> Tensor { x.linear(name, C, bias: name == "v").heads(2) }
      let (q, k) = (change.apply(heads("q"), "qn"), change.apply(heads("k"), "kn"))
      let v = change == .narrow ? change.apply(heads("v"), "vn") : heads("v")
      // Heads of the old size are merged along the very axis that was cut, which x has.
      let merged = MoE.attention(q, k, v).mergedHeads()
      let y = change == .narrow ? merged.linear("proj", C) : merged
      return (x + y).linear("head", V)
    }
    #expect(graph.nodes.contains { $0.op.kind == .attention })
    let found = try Trial(CompiledModel(graph)).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }

  @Test("What attends may be the numbers of a head, too; texts may then be of any length")
  func numbersAttend() throws {
    let (V, C) = (Self.V, Self.C)
    let graph = try LanguageModel.trace(
      "numbers", vocabulary: V, context: Self.T, batch: Self.B
    ) { text in
      let x = text.tokens.embedding("token", C).heads(2).transposed()
      let y = x.matmul(x.transposed()).causalMasked().softmax().matmul(x)
      return y.transposed().mergedHeads().linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    let report = try #require(
      try Comparison(compiled.reference, compiled.library, seed: 1).report())
    #expect(report.wrong.isEmpty, "\(report.wrong)")
  }
}
