import Foundation
import ModelFixtures
import Testing

/// sourcekit-lsp in a folder that `moec new` made, asked as an editor asks it.
@Suite struct EditorTests {
  private static let server = Result {
    let found = try Command.shell("command -v sourcekit-lsp")
    return found.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static var isHere: Bool { (try? server.get())?.isEmpty == false }

  /// A server with the model open, whose text `change` may change, and a way to name places in it.
  private struct Session {
    let server: LanguageServer
    let document: [String: Any]
    let source: String

    init(_ change: (String) -> String) throws {
      let folder = try ModelFixture.folder()
      let made = try Command.moec(["new", "work", "--model", "tiny"], in: folder)
      try #require(made.status == 0, "\(made.errors)")
      let model = URL(fileURLWithPath: "\(folder)/work/model.swift")
      source = change(try String(contentsOf: model, encoding: .utf8))
      server = try LanguageServer(
        try EditorTests.server.get(), in: model.deletingLastPathComponent().path, limit: 120)
      document = ["uri": model.absoluteString]
      _ = try server.ask(
        "initialize",
        [
          "processId": Int(ProcessInfo.processInfo.processIdentifier),
          "rootUri": model.deletingLastPathComponent().absoluteString,
          "capabilities": ["textDocument": ["diagnostic": [:], "completion": [:]]],
        ])
      try server.tell("initialized", [:])
      let opened: [String: Any] = ["languageId": "swift", "version": 1, "text": source]
      try server.tell(
        "textDocument/didOpen", ["textDocument": opened.merging(document) { first, _ in first }])
    }

    /// Asks about the place right after the first appearance of a text.
    func ask(_ method: String, after text: String) throws -> [String: Any] {
      let place = try #require(source.range(of: text)).upperBound
      let before = source[..<place].split(separator: "\n", omittingEmptySubsequences: false)
      let position = ["line": before.count - 1, "character": before.last?.utf16.count ?? 0]
      return try server.ask(method, ["textDocument": document, "position": position])
        as? [String: Any] ?? [:]
    }
  }

  @Test(
    "It completes, and shows the documentation",
    .enabled(if: isHere, "sourcekit-lsp is not here"))
  func completion() throws {
    let session = try Session { $0 }
    let completion = try session.ask("textDocument/completion", after: "let q = x.")
    let items = completion["items"] as? [[String: Any]] ?? []
    let labels = items.compactMap { $0["label"] as? String }
    #expect(labels.contains { $0.hasPrefix("linear(") }, "\(labels)")
    #expect(labels.contains { $0.hasPrefix("layerNorm(") }, "\(labels)")
    let hover = try session.ask("textDocument/hover", after: "let q = x.lin")
    let contents = (hover["contents"] as? [String: Any])?["value"] as? String ?? ""
    #expect(contents.contains("func linear("), "\(hover)")
    #expect(contents.contains("y[r, :] = w x[r, :] + b"), "\(contents)")
  }

  @Test(
    "It finds a member that is not there, and nothing else",
    .enabled(if: isHere, "sourcekit-lsp is not here"))
  func diagnostics() throws {
    let session = try Session { $0.replacing(".mergedHeads()", with: ".wonder()") }
    let report = try session.server.ask(
      "textDocument/diagnostic", ["textDocument": session.document])
    let items = (report as? [String: Any])?["items"] as? [[String: Any]] ?? []
    let messages = items.compactMap { $0["message"] as? String }
    #expect(messages == ["Value of type 'Tensor' has no member 'wonder'"], "\(report)")
  }
}
