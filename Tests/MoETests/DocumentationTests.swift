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

  /// The site that `Scripts/docs` makes of the modules beside the tests.
  private static let site = Result {
    let folder = try ModelFixture.folder() + "/site"
    let modules = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent()
      .appendingPathComponent("Modules").path
    let result = try Command.run(
      root.appendingPathComponent("Scripts/docs").path,
      ["--modules", modules, "--output", folder, "--base-path", "moec"])
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(!(result.output + result.errors).contains("warning:"))
    return folder
  }

  private static let hasScriptTools =
    hasTools && (try? Command.shell("command -v python3"))?.status == 0

  @Test(
    "The documentation is a static site, made without a warning and outside of Sources",
    .enabled(if: hasScriptTools, "docc or python3 is not here"))
  func converts() throws {
    let site = try Self.site.get()
    for page in [
      "data/tutorials/moe/building-makemoe.json", "data/documentation/moe/axes.json",
      "documentation/moe/tensor/index.html", "tutorials/moe/building-makemoe/index.html",
    ] {
      #expect(FileManager.default.fileExists(atPath: "\(site)/\(page)"), "\(page)")
    }
    let page = try String(contentsOfFile: site + "/documentation/moe/index.html", encoding: .utf8)
    #expect(page.contains("\"/moec/"), "links are below --base-path")
    let among = try Command.run(
      Self.root.appendingPathComponent("Scripts/docs").path,
      ["--output", Self.root.path + "/Sources/MoE/site"])
    #expect(among.status == 1 && among.errors.contains("lies among the sources"))
  }

  @Test(
    "Signatures say nothing of file, line and column",
    .enabled(if: hasScriptTools, "docc or python3 is not here"))
  func signatures() throws {
    let data = URL(fileURLWithPath: try Self.site.get() + "/data/documentation/moe")
    let files = try FileManager.default.subpathsOfDirectory(atPath: data.path)
    #expect(files.count { $0.hasPrefix("tensor/") } > 20)
    for file in files where file.hasSuffix(".json") {
      let text = try String(contentsOf: data.appendingPathComponent(file), encoding: .utf8)
      #expect(!text.contains("line:column") && !text.contains("#column"), "\(file)")
    }
    let page = try String(
      contentsOf: data.appendingPathComponent("tensor/linear(_:_:bias:weights:).json"),
      encoding: .utf8)
    let pieces = page.matches(of: /"text":"((?:[^"\\]|\\.)*)"/).map { String($0.output.1) }
    #expect(pieces.joined().contains("weights: WeightInitializer? = nil) -> Tensor"))
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
