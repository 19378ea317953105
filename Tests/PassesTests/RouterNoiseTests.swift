import Foundation
import GraphIR
import Interpreter
import MoE
import Passes
import Testing

/// What chooses with all tokens in view, beside its formula.
@Suite struct RouterNoiseTests {
  private typealias Axis = MoE.Axis

  @Test("Sinkhorn's scores are d₁ exp(z) d₀ after so many rounds")
  func sinkhorn() throws {
    let (V, T, B) = (Axis("V", 7), Axis("T", 6), Axis("B", 2))
    let (C, E) = (Axis("C", 4), Axis("E", 3))
    let graph = try LanguageModel.trace("sinkhorn", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let z = parameter("logits", B, T, E, initial: .normal(1))
      let routing = z.sigmoid().top(1, by: z.sinkhorn(rounds: 3)).weights()
      return (x + x.routed(by: routing).linear("up", C).combined()).linear("head", V)
    }
    let run = try Interpreter.onRandomTokens(Pipeline().run(graph)).run()
    let logits = try #require(run.graph.parameters.first { $0.parameter.name == "logits" }).node
    let top = try #require(run.graph.nodes.first { $0.op.kind == .top })
    let (powers, found) = (run[Value(node: logits)].floats.map(exp), run[top.inputs[0]].floats)
    var (d0, d1) = ([Double](repeating: 1, count: 12), [Double](repeating: 1, count: 3))
    for _ in 0..<3 {
      for t in d0.indices {
        d0[t] = 1 / 12.0 / ((0..<3).reduce(1e-8) { $0 + powers[3 * t + $1] * d1[$1] })
      }
      for e in d1.indices {
        d1[e] = 1 / 3.0 / ((0..<12).reduce(1e-8) { $0 + powers[3 * $1 + e] * d0[$1] })
      }
    }
    for i in found.indices {
      #expect(abs(found[i] - powers[i] * d0[i / 3] * d1[i % 3]) < 1e-12)
    }
  }
}
