import GraphIR
import Testing

@testable import MoE

/// Which parameters decay.
@Suite struct DecayTests {
  private func decaying(_ choice: Decaying) throws -> [String: Bool] {
    let graph = try LanguageModel.trace(
      "decay", vocabulary: Small.V, context: Small.T, batch: Small.B, decaying: choice
    ) { text in
      let x = text.tokens.embedding("token", Small.C).layerNorm("norm")
      let rows = x.routed(by: x.linear("gate", Small.E).top(2).softmax())
      let y = rows.linear("up", Small.C).rmsNorm("inner").combined()
      let scale = parameter("scale", Small.C, Small.C, decays: false)
      let offset = parameter("offset", Small.C, decays: true)
      return (y.linear(weight: scale) + offset).linear("head", Small.V)
    }
    return Dictionary(
      uniqueKeysWithValues: graph.parameters.map { ($0.parameter.name, $0.parameter.decays) })
  }

  @Test func allButWhatSaysOtherwise() throws {
    let decays = try decaying(.all)
    #expect(decays.filter { !$0.value }.keys.sorted() == ["scale"])
  }

  @Test func matricesAndTables() throws {
    let decays = try decaying(.matrices)
    #expect(
      decays.filter(\.value).keys.sorted() == [
        "gate.weight", "head.weight", "offset", "token.weight", "up.weight",
      ])
  }
}
