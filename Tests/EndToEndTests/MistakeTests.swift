import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// Mistakes that swiftc finds, in words that a model's author knows.
@Suite struct MistakeTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    var name: String

    /// Functions of the model, from line 5 on.
    var functions = ""

    /// The closure's lines behind `x` and the routing `r`.
    var body: String
    var place: String
    var words: String
    var testDescription: String { name }
  }

  private static let missing =
    "rows sorted by expert stand where a tensor is expected; call .combined() first"
  private static let mixed =
    "is unavailable: routed and unrouted rows do not mix; call .combined() first"

  static let mistakes: [Mistake] = [
    Mistake(
      name: "added", body: "let h = x + x.routed(by: r).linear(\"up\", C)\nreturn h.head",
      place: "8:11", words: "'+' \(mixed)"),
    Mistake(
      name: "added in a scope",
      body: "let h = x + scope(\"mix\") { expert(x.routed(by: r)) }\nreturn h.head",
      place: "8:11", words: "'+' \(mixed)"),
    Mistake(
      name: "added to", body: "var h = x\nh += expert(x.routed(by: r))\nreturn h.head",
      place: "9:3",
      words: "'+=' \(mixed)"),
    Mistake(
      name: "larger", body: "return max(x, expert(x.routed(by: r))).head", place: "8:8",
      words: "'max' \(mixed)"),
    Mistake(
      name: "returned",
      functions: "func mix(_ x: Tensor, _ r: Routing) -> Tensor { expert(x.routed(by: r)) }\n",
      body: "return mix(x, r).head", place: "5:49", words: missing),
    Mistake(
      name: "returned in words",
      functions: """
        func mix(_ x: Tensor, _ r: Routing) -> Tensor {
          let y = expert(x.routed(by: r))
          return y
        }

        """, body: "return mix(x, r).head", place: "7:10", words: missing),
    Mistake(
      name: "the last line", body: "return x.routed(by: r).linear(\"head\", V)", place: "8:24",
      words: missing),
    Mistake(
      name: "layers", body: "return layers(\"b\", 2, x) { x in expert(x.routed(by: r)) }.head",
      place: "8:33", words: missing),
    Mistake(
      name: "a member of tensors", body: "return (x - expert(x.routed(by: r)).mean()).head",
      place: "8:37",
      words: "rows sorted by expert have no 'mean'; what tensors have is there after .combined()"),
    Mistake(
      name: "not routed", body: "return expert(x).combined().head", place: "8:15",
      words:
        "a tensor stands where rows sorted by expert are expected; call .routed(by: routing) first"),
    Mistake(
      name: "no weights",
      body: "return expert(x.routed(by: x.linear(\"g\", E).top(2))).combined().head", place: "8:45",
      words:
        "a choice of experts stands where a routing is expected; give it weights with .softmax(), "
        + ".weights() or .normalized()"),
    Mistake(
      name: "no choice", body: "return expert(x.routed(by: x.linear(\"g\", E))).combined().head",
      place: "8:30",
      words:
        "scores stand where a routing is expected; choose experts with .top(2), and give them weights "
        + "with .softmax(), .weights() or .normalized()"),
    Mistake(
      name: "combined twice", body: "return expert(x.routed(by: r)).combined().combined().head",
      place: "8:43",
      words:
        "a tensor stands where rows sorted by expert are expected; call .routed(by: routing) first"),
    Mistake(
      name: "a number for an axis", body: "return x.linear(\"up\", 64).head", place: "8:23",
      words: "a number stands where an axis is expected; give it a name: let F = Axis(\"F\", 64)"),
    Mistake(
      name: "a whole number", body: "let n = 2\nreturn (x * n).head", place: "9:11",
      words: "a tensor meets numbers of type Double: write Double(n)"),
    Mistake(
      name: "a whole number before rows",
      body: "let n = 2\nreturn (n * expert(x.routed(by: r))).combined().head", place: "9:11",
      words: "a tensor meets numbers of type Double: write Double(n)"),
  ]

  @Test("They are errors in moec's words, at their place", arguments: mistakes)
  func words(mistake: Mistake) throws {
    let errors = try errors(of: mistake.functions, mistake.body)
    #expect(errors.contains("model.swift:\(mistake.place): error: \(mistake.words)"), "\(errors)")
    #expect(!errors.contains("'Routed'"), "\(errors)")
  }

  @Test("An assignment that does not fit is said at its own line")
  func assignment() throws {
    let errors = try errors(of: "", "var h = x\n  h += x.linear(\"w\", E)\nreturn h.head")
    #expect(
      errors.contains("model.swift:9:5: error: +=: axes differ, f32[B, T, C] and f32[B, T, E]"),
      "\(errors)")
  }

  @Test("A file without the import is told so")
  func noImport() throws {
    let folder = try ModelFixture.folder()
    let helper = "func block(_ x: Tensor) -> Tensor { x + x.relu() }\n"
    let model = """
      import MoE
      let V = Axis("V", 11), T = Axis("T", 6), B = Axis("B", 2)
      LanguageModel("m", vocabulary: V, context: T, batch: B) { block($0.tokens.embedding("x", V)) }

      """
    for (name, text) in [("model", model), ("block", helper)] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).swift"))
    }
    let result = try Moec.run(["check", folder])
    #expect(result.status == 1)
    let words = "error: cannot find 'Tensor': each file of a model begins with import MoE"
    #expect(result.errors.contains("block.swift:1:28: \(words)"), "\(result.errors)")
  }

  /// What moec says of a model that has something wrong.
  private func errors(of functions: String, _ body: String) throws -> String {
    let folder = try ModelFixture.folder()
    let model = """
      import MoE
      let V = Axis("V", 11), T = Axis("T", 6), B = Axis("B", 2), C = Axis("C", 12), E = Axis("E", 4)
      func expert(_ x: Routed) -> Routed { x.linear("up", 4 * C).relu().linear("down", C) }
      extension Tensor { var head: Tensor { linear("head", V) } }
      \(functions)LanguageModel("m", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("x", C)
      let r = x.linear("gate", E).top(2).softmax()
      \(body)
      }

      """
    let path = folder + "/model.swift"
    try Data(model.utf8).write(to: URL(fileURLWithPath: path))
    let result = try Moec.run(["check", path])
    #expect(result.status == 1)
    return result.errors
  }
}
