import Foundation
import ModelFixtures
import Testing

/// The DocC catalog of the DSL, and the comments it is made from.
@Suite struct DocumentationTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let catalog = root.appendingPathComponent("Sources/MoE/MoE.docc")
  static let hasTools = path(of: "docc") != nil && path(of: "swift-symbolgraph-extract") != nil

  /// A tool of the Swift toolchain, which need not be on `PATH` itself.
  static func path(of tool: String) -> String? {
    let found = try? Command.run(
      "/bin/sh", ["-c", "p=$(command -v swiftc) && dirname \"$(readlink -f \"$p\")\""])
    let toolchain = found?.output.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    let folders =
      ["\(toolchain)"]
      + (ProcessInfo.processInfo.environment["PATH"] ?? "")
      .split(separator: ":").map(String.init)
    return folders.map { "\($0)/\(tool)" }.first(where: FileManager.default.isExecutableFile)
  }

  /// The folder with the symbol graph of MoE.
  private static let symbols = Result {
    let folder = try ModelFixture.folder()
    let modules = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent()
      .appendingPathComponent("Modules").path
    let target = try Command.run("/bin/sh", ["-c", "swiftc -print-target-info"]).output
    let triple = target.firstMatch(of: #/"unversionedTriple": "([^"]+)"/#).map {
      String($0.output.1)
    }
    let result = try Command.run(
      try #require(path(of: "swift-symbolgraph-extract")),
      ["-module-name", "MoE", "-I", modules, "-target", try #require(triple)]
        + ["-minimum-access-level", "public", "-output-dir", folder])
    #expect(result.status == 0, "\(result.errors)")
    return folder
  }

  @Test("docc takes the catalog without a warning", .enabled(if: hasTools, "docc is not here"))
  func converts() throws {
    let output = try ModelFixture.folder() + "/MoE.doccarchive"
    let result = try Command.run(
      try #require(Self.path(of: "docc")),
      [
        "convert", Self.catalog.path, "--additional-symbol-graph-dir", try Self.symbols.get(),
        "--output-dir", output, "--warnings-as-errors", "--fallback-display-name", "MoE",
        "--fallback-bundle-identifier", "moec.MoE",
      ])
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(!(result.output + result.errors).contains("warning:"))
    for page in ["tutorials/moe/building-makemoe.json", "documentation/moe/axes.json"] {
      #expect(FileManager.default.fileExists(atPath: "\(output)/data/\(page)"), "\(page)")
    }
  }

  private struct SymbolGraph: Decodable {
    var symbols: [Symbol]

    struct Symbol: Decodable {
      var kind: Kind
      var identifier: Identifier
      var pathComponents: [String]
      var docComment: Comment?
    }
    struct Kind: Decodable { var identifier: String }
    struct Identifier: Decodable { var precise: String }
    struct Comment: Decodable { var lines: [Line] }
    struct Line: Decodable { var text: String }
  }

  @Test(
    "Every public symbol is explained, and every function of tensors has its formula and shapes",
    .enabled(if: hasTools, "docc is not here"))
  func explained() throws {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: try Self.symbols.get() + "/MoE.symbols.json"))
    let symbols = try JSONDecoder().decode(SymbolGraph.self, from: data).symbols
    #expect(symbols.count > 80)
    // What the compiler synthesizes for protocols is explained by Swift itself.
    for symbol in symbols where !symbol.identifier.precise.contains("::SYNTHESIZED::") {
      let name = symbol.pathComponents.joined(separator: ".")
      let lines = symbol.docComment?.lines.map(\.text) ?? []
      #expect(!lines.joined().isEmpty, "\(name) has no comment")
      let isFunction = ["swift.method", "swift.type.method", "swift.func.op"]
        .contains(symbol.kind.identifier)
      guard isFunction, ["Tensor", "Routed", "TopK"].contains(symbol.pathComponents[0]) else {
        continue
      }
      #expect(lines.contains { $0.hasPrefix("    ") }, "\(name) has no formula or shapes")
    }
  }

  @Test("The articles and the tutorial refer to all that there is")
  func complete() throws {
    let files = try FileManager.default.subpathsOfDirectory(atPath: Self.catalog.path)
    for name in ["Axes", "Routing-tokens", "Parameters-and-names", "Errors-and-warnings"] {
      #expect(files.contains("Articles/\(name).md"))
    }
    let tutorial = try String(
      contentsOf: Self.catalog.appendingPathComponent("Tutorials/Building-makemoe.tutorial"),
      encoding: .utf8)
    for file in files where file.hasPrefix("Resources/") && file.hasSuffix(".swift") {
      #expect(tutorial.contains("file: \"\(file.dropFirst("Resources/".count))\""), "\(file)")
    }
  }
}
