import Codegen
import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import Planning
import Testing

/// Whatever the text of a user holds, it reaches the C as comments and as the contents of strings.
@Suite struct SourceTextTests {
  /// What could end a comment, make it longer, or hide in it.
  static let texts = [
    #"smooth _/\"#, "back \\ \t ", "trigraph ??/", "trigraph ???/", "a ??= b ?? c", "*/ x /* y",
    "return \r return", "\u{2028} separator \u{2029} and \u{85} more", "\u{b} \u{c} \u{0} \u{7f}",
    "\u{202e} turned \u{2066}", "\u{200b}\\\u{200b}", "\"quoted\" %d %s \\n", "\\\u{a0}", "é ·", "",
  ]

  /// The model with every line of its source, its file and its compiler's line being `text`.
  private func code(_ text: String) throws -> GeneratedModel {
    var graph = try MakeMoE("odd").graph()
    // The verifier refuses files whose names hold control characters.
    let file = String(
      String.UnicodeScalarView(
        text.unicodeScalars.filter { $0.properties.generalCategory != .control }))
    for index in graph.nodes.indices {
      graph.nodes[index].location = SourceLocation(file: file + ".swift", line: 2, column: 1)
    }
    graph.vocabularyLocation = SourceLocation(file: file + ".swift", line: 1, column: 1)
    let source = "import MoE\n\(text)\nlet x = 1 // \(text)\n"
    let plan = try Pipelines.plan(graph)
    return GeneratedModel(
      plan, .init(source: ModelSource(source), sourceName: text + ".swift", compilerLine: text))
  }

  /// What is left of a file when the compiler has taken its comments out; nothing may be said.
  private func preprocessed(_ path: String, _ compiler: String, in folder: URL) throws -> String {
    let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-E", "-P"]
    let result = try Command.run("/usr/bin/env", [compiler] + flags + [path], in: folder.path)
    #expect(result.status == 0 && result.errors.isEmpty, "\(compiler) \(path): \(result.errors)")
    return result.output
  }

  @Test("Behind its comments the C is the same, whatever a model's lines hold", arguments: texts)
  func comments(text: String) throws {
    let (plain, odd) = (try code("plain"), try code(text))
    let folders = try [plain, odd].map(CompiledModel.write)
    for compiler in ["clang", "gcc"] where CompilerTests.isThere(compiler) {
      for path in plain.sources where path != "model.c" {
        let (expected, found) = (
          try preprocessed(path, compiler, in: folders[0]),
          try preprocessed(path, compiler, in: folders[1])
        )
        #expect(expected == found, "\(compiler) \(path)")
      }
      let model = try preprocessed("model.c", compiler, in: folders[1])
      #expect(model.contains("int moec_logits("))
    }
  }

  @Test("Every line of the generated files is one line for whoever reads them", arguments: texts)
  func lines(text: String) throws {
    for file in try code(text).files where file.path.hasSuffix(".c") || file.path.hasSuffix(".h") {
      let odd = file.text.unicodeScalars.first {
        $0 != "\n" && ($0.properties.generalCategory == .control || $0.isDirection)
      }
      #expect(odd == nil, "\(file.path)")
    }
  }

  @Test("Strings of the library are the texts themselves", arguments: texts)
  func strings(text: String) throws {
    let odd = try code(text)
    let folder = try CompiledModel.write(odd)
    let program = """
      #include <stdio.h>
      #include "moec_model.h"
      int main(void) { return puts(moec_manifest()) < 0; }
      """
    try Data(program.utf8).write(to: folder.appendingPathComponent("print.c"))
    let line = ["clang", "gcc"].first(where: CompilerTests.isThere) ?? "cc"
    let built = try Command.run(
      "/usr/bin/env",
      [line, "-std=c11", "-O0", "-Wno-unknown-pragmas", "-o", "print", "print.c"] + odd.sources
        + ["-lm"], in: folder.path)
    try #require(built.status == 0, "\(built.errors)")
    let printed = try Command.run(folder.appendingPathComponent("print").path, []).output
    let manifest = try #require(
      try JSONSerialization.jsonObject(with: Data(printed.utf8)) as? [String: Any])
    #expect(manifest["source"] as? String == text + ".swift")
  }

  @Test("Lines that end as Windows ends them are quoted as they are", arguments: ["\n", "\r\n"])
  func endings(end: String) throws {
    var graph = try MakeMoE("odd").graph()
    for index in graph.nodes.indices {
      graph.nodes[index].location = SourceLocation(file: "odd.swift", line: 4, column: 1)
    }
    let source = ["import MoE", "// a \r b", "// c \u{2028} d", "    let named = 4", ""]
      .joined(separator: end)
    let plan = try Plan(Pipelines.plan(graph).graph, source: ModelSource(source))
    let text = GeneratedModel(plan, .init(source: ModelSource(source), sourceName: "odd.swift"))
      .files.first { $0.path == "block.c" }?.text
    #expect(text?.contains("\n    // odd.swift:4   let named = 4\n") == true)
    #expect(text?.contains("named") == true)
    #expect(text?.contains("\r") == false)
  }
}

extension Unicode.Scalar {
  /// Whether a character turns the direction of writing or ends a line.
  fileprivate var isDirection: Bool {
    (0x202a...0x202e).contains(value) || (0x2066...0x2069).contains(value)
      || [0x2028, 0x2029, 0x85, 0x200b].contains(value)
  }
}
