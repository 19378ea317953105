import Foundation
import ModelFixtures
import Testing

/// Docs/models.md: a piece of each example's C, as it is written today.
@Suite struct ModelsPageTests {
  /// The example, and what is in the line of the model that its piece begins with.
  private static let pieces = [
    ("mixtral", "routed(by:"),
    ("qwen3-moe", "rmsNorm(\"q_norm\""),
    ("olmoe", "softmax().top("),
    ("deepseek", "s.top("),
    ("switch", "routed(by:"),
    ("shazeer", "noisy.top("),
    ("gpt2", "gelu(.tanh)"),
    ("llama", "\"gate\""),
  ]

  @Test(arguments: pieces)
  func pieceOfC(_ name: String, _ mark: String) throws {
    let model = try String(contentsOfFile: "\(root)/Examples/\(name).swift", encoding: .utf8)
    let lines = model.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count < 61, "an example is one page")
    let place = try #require(lines.firstIndex { $0.contains(mark) }) + 1
    let code = try Command.moec(["compile", "Examples/\(name).swift", "--emit", "c"], in: root)
    try #require(code.status == 0, "\(code.errors)")
    let written = code.output.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(
      written.firstIndex { $0.contains("// \(name).swift:\(place) ") }, "no line \(place)")
    let end = try #require(written[start...].firstIndex { $0 == "}" })
    let piece = written[start..<end].prefix(24).map { "\($0)\n" }.joined()
    try DocumentationPage("models").check(generated: name, is: "```c\n\(piece)```\n")
  }
}
