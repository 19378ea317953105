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
}
