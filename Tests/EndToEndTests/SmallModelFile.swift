import CompiledModels
import Foundation
import ModelFixtures

/// Models as a user writes them, and a text to train them on.
enum SmallModelFile {
  /// A small makeMoE with a plain router: it says the same at every seed.
  static let source = """
    import MoE

    let V = Axis("V", 30), T = Axis("T", 8), B = Axis("B", 4), C = Axis("C", 16), E = Axis("E", 4)

    func block(_ x: Tensor) -> Tensor {
        let n = x.layerNorm("norm")
        let q = n.linear("query", C, bias: false).heads(2)
        let k = n.linear("key", C, bias: false).heads(2)
        let v = n.linear("value", C, bias: false).heads(2)
        let h = x + attention(q, k, v).mergedHeads().linear("proj", C)
        let routing = h.linear("gate", E).top(2).softmax()
        return h + h.routed(by: routing).linear("up", 2 * C).relu().linear("down", C).combined()
    }

    LanguageModel("small", vocabulary: V, context: T, batch: B,
                  optimizer: .adamW(learningRate: 1e-2)) { text in
        let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
        return layers("block", 2, x, block).layerNorm("final").linear("head", V)
    }

    """

  static let text = String(
    repeating: "the cat sat on the mat and the dog sat on the log.\n", count: 20)

  /// A folder with `model.swift` of that source, and `text.txt`.
  static func folder(_ source: String = source) throws -> String {
    let folder = URL(fileURLWithPath: try ModelFixture.folder())
    try Data(source.utf8).write(to: folder.appendingPathComponent("model.swift"))
    try Data(text.utf8).write(to: folder.appendingPathComponent("text.txt"))
    return folder.path
  }

  /// The small model, compiled once: the folder with `libsmall.so`.
  static func compiled() throws -> String { try compiledResult.get() }

  private static let compiledResult = Result {
    let folder = try SmallModelFile.folder()
    let result = try Moec.run(["compile", "model.swift", "-o", "libsmall.so"], in: folder)
    guard result.status == 0 else { throw EndToEndFailure(text: result.errors) }
    return folder
  }
}

/// A command failed that should not have.
struct EndToEndFailure: Error, CustomStringConvertible {
  let text: String
  var description: String { text }
}
