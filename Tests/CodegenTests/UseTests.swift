import Comparison
import CompiledModels
import MoE
import Testing

/// Uses of one layer that stand in different places.
@Suite struct UseTests {
  @Test("A layer without parameters stands between such that have some")
  func withoutParameters() throws {
    let (V, T) = (MoE.Axis("V", 7), MoE.Axis("T", 4))
    let (B, C) = (MoE.Axis("B", 2), MoE.Axis("C", 8))
    let graph = try LanguageModel.trace("between", vocabulary: V, context: T, batch: B) { text in
      var x = text.tokens.embedding("token", C)
      // So many parameters more before each use, that no formula gives how many there are.
      for (number, depth) in [1, 2, 1, 3].enumerated() {
        x = scope("part\(number)") {
          let y = (0..<depth).reduce(x) { y, i in y.linear("own\(i)", C, bias: false) }
          return layers("plain", 1, y) { $0.softmax() }
        }
      }
      return x.linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    let uses = Dictionary(grouping: compiled.plan.uses, by: \.layer).values.filter { $0.count > 2 }
    #expect(uses.count == 1 && uses[0].count == 4)
    let found = try Trial(compiled).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }
}
