import CompiledModels
import ModelFixtures

/// What the tests of several ranks train.
enum RanksModel {
  /// The small model with a term, a state that moves by its sign, and experts that take no more than their share.
  static let folder = Result {
    let source = SmallModelFile.source
      .replacing(
        "let routing = h.linear(\"gate\", E).top(2).softmax()",
        with: """
          let scores = h.linear("gate", E).sigmoid()
              let bias = routerBias("bias", E, rate: 0.01)
              let routing = scores.top(2, by: scores + bias.value).normalized().balanced(by: bias).balanced(0.01)
          """
      )
      .replacing("routed(by: routing)", with: "routed(by: routing, capacity: 1.1)")
    let folder = try SmallModelFile.folder(source)
    let result = try Moec.run(["compile", "model.swift", "-o", "libsmall.so"], in: folder)
    guard result.status == 0 else { throw EndToEndFailure(text: result.errors) }
    let shared = try Moec.run(
      ["compile", "model.swift", "-o", "libshared.so", "--expert-ranks", "2"], in: folder)
    guard shared.status == 0 else { throw EndToEndFailure(text: shared.errors) }
    return folder
  }
}
