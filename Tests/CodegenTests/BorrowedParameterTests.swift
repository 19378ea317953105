import Comparison
import CompiledModels
import MoE
import Testing

/// Parameters of one layer that others read.
@Suite struct BorrowedParameterTests {
  @Test("Each use of a layer reads what the layer around it has, not what the first use reads")
  func eachItsOwn() throws {
    let (V, T) = (MoE.Axis("V", 7), MoE.Axis("T", 4))
    let (B, C) = (MoE.Axis("B", 2), MoE.Axis("C", 8))
    let graph = try LanguageModel.trace("borrow", vocabulary: V, context: T, batch: B) { text in
      layers("outer", 3, text.tokens.embedding("token", C)) { x in
        let weight = parameter("weight", C, C, initial: .normal(0.5))
        let y = layers("inner", 1, x.linear(weight: weight).tanh()) { $0.linear("own", C).tanh() }
        return y.linear(weight: weight)
      }.linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    // Without a layer whose uses borrow from different ones, nothing is shown.
    let borrowed = Dictionary(grouping: compiled.plan.uses, by: \.layer).values.map {
      Set($0.map(\.borrowed))
    }
    #expect(borrowed.contains { $0.count > 1 })
    let found = try Trial(compiled).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }

  /// The sum's gradient is the parameter's, and goes on to the token's through an earlier layer.
  @Test("A parameter's gradient that another layer reads reaches that layer too")
  func gradientThatGoesOn() throws {
    let (V, T) = (MoE.Axis("V", 5), MoE.Axis("T", 3))
    let (B, C, E) = (MoE.Axis("B", 2), MoE.Axis("C", 4), MoE.Axis("E", 3))
    let graph = try LanguageModel.trace("whole", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let y = layers("block", 1, x) { $0.linear("own", C) }
      let routing = y.linear("gate", E).top(2).softmax()
      let z = x + parameter("whole", B, T, C, initial: .normal(0.5))
      return z.routed(by: routing).linear("up", C).combined().linear("head", V)
    }
    let found = try Trial(CompiledModel(graph)).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }
}
