import Foundation
import GraphIR
import Lint
import Lowering
import ModelFixtures
import Passes
import Testing

/// Pages that are made from the source, or name all of it.
@Suite(.serialized) struct SourcePagesTests {
  /// Every function of the DSL that a model can call.
  @Test func theDSLIsNamed() throws {
    let page = try DocumentationPage("dsl").text
    let folder = "\(root)/Sources/MoE"
    for file in try FileManager.default.contentsOfDirectory(atPath: folder)
    where file.hasSuffix(".swift") {
      let source = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      for match in source.matches(of: /public (?:static )?(?:func|struct|enum) ([A-Za-z0-9]+)/) {
        let name = String(match.output.1)
        guard !["hash", "trace", "ModelErrors"].contains(name) else { continue }
        let word = try Regex("\\b\(name)\\b").wordBoundaryKind(.simple)
        #expect(page.contains(word), "Docs/dsl.md does not name \(name) of \(file)")
      }
    }
    let initializers = try String(
      contentsOfFile: "\(folder)/WeightInitializer.swift", encoding: .utf8)
    for initializer in initializers.matches(of: /(?m)^  case ([a-zA-Z]+)/) {
      #expect(page.contains("`.\(initializer.output.1)"), "no \(initializer.output.1)")
    }
  }

  /// Every model on a page is a file that a command of the page checks, by itself or with its folder.
  @Test func modelsAreChecked() throws {
    for name in try DocumentationPage.names.get() {
      let blocks = try DocumentationPage(name).blocks
      for block in blocks where block.language == "swift" {
        let file = try #require(block.file, "a model without a file on \(name)")
        let folder = file.split(separator: "/").dropLast().joined(separator: "/")
        let models = [file] + (folder.isEmpty ? [] : ["\(folder) "])
        #expect(
          blocks.contains { block in
            block.language == "sh" && models.contains { block.text.contains("moec check \($0)") }
          })
      }
    }
  }

  /// The functions and constants of the interface, all and no others.
  @Test func theInterfaceIsNamed() throws {
    let header = try String(
      contentsOfFile: "\(root)/Sources/CModelABI/include/moec_model.h", encoding: .utf8)
    let page = try DocumentationPage("c-interface").text
    func names(_ text: String) -> Set<String> {
      let word = /\b(?:moec|MOEC)_[A-Za-z_]+\b/.wordBoundaryKind(.simple)
      return Set(text.matches(of: word).map { String($0.output) })
    }
    let interface = names(header).subtracting(["MOEC_EXPORT", "MOEC_MODEL_H"])
    #expect(interface.subtracting(names(page)) == [], "not on the page")
    #expect(names(page).subtracting(interface) == [], "not in the header")
  }

  /// Every target has its line.
  @Test func layoutIsThatOfTheFolder() throws {
    let page = try DocumentationPage("ARCHITECTURE").text
    for target in try FileManager.default.contentsOfDirectory(atPath: "\(root)/Sources") {
      let isNamed = ["| ", ", "].contains { page.contains("\($0)`Sources/\(target)`") }
      #expect(isNamed, "Docs/ARCHITECTURE.md does not name Sources/\(target)")
    }
  }

  /// Every file and folder that is named is there: paths from the root, and names of files anywhere.
  @Test(arguments: ["Docs/ARCHITECTURE.md", "CONTRIBUTING.md"])
  func whatIsNamedIsThere(_ page: String) throws {
    let text = try String(contentsOfFile: "\(root)/\(page)", encoding: .utf8)
    let folders = ["Sources", "Tests", "Examples", "Data", "Docs", "Generated", "Scripts"]
    let files = try folders.flatMap { folder in
      try FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(folder)")
        .map { "\(folder)/\($0)" }
    }
    let paths = Set(files + folders)
    let names = Set(files.compactMap { $0.split(separator: "/").last.map(String.init) })
    var found = 0
    for match in text.matches(of: /`([^`\n]+)`/) where !match.output.1.contains("NAME") {
      let word = String(match.output.1)
      if folders.contains(where: { word == $0 || word.hasPrefix("\($0)/") }) {
        #expect(paths.contains(word), "\(page) names \(word)")
        found += 1
      } else if !word.contains("/"), word.contains(/^[\w+.]+\.(swift|h|c|md|py)$/) {
        #expect(names.contains(word), "\(page) names \(word)")
        found += 1
      }
    }
    #expect(found > 5)
    for link in text.matches(of: /\]\(([^):#]+)\)/) {
      let place = URL(fileURLWithPath: "\(root)/\(page)").deletingLastPathComponent()
        .appendingPathComponent(String(link.output.1)).standardized.path
      #expect(FileManager.default.fileExists(atPath: place), "\(page) links to \(link.output.1)")
    }
  }

  /// Every rule, as `moec check --rules` says it, and each is triggered by the page's model.
  @Test func rulesAreThoseOfTheLinter() throws {
    let page = try DocumentationPage("lint")
    try page.check(
      generated: "rules",
      is: "| rule | what it finds | why | way out |\n|---|---|---|---|\n"
        + Rule.allCases.map { rule in
          let definition = rule.definition
          return "| `\(rule.rawValue)` | \(definition.sentence) | \(definition.reason) "
            + "| \(definition.wayOut) |\n"
        }.joined())
    let model = try #require(page.blocks.first { $0.file == "wrong.swift" })
    let folder = try ModelFixture.folder()
    try model.text.write(
      toFile: "\(folder)/wrong.swift", atomically: true, encoding: .utf8)
    let check = try Command.moec(["check", "wrong.swift"], in: folder)
    #expect(check.status == 0, "\(check.errors)")
    let lines = model.text.split(separator: "\n", omittingEmptySubsequences: false)
    let warnings = check.errors.matches(
      of: /wrong\.swift:([0-9]+):[0-9]+: warning: .*\[([a-z-]+)\]/)
    for warning in warnings {
      let line = try #require(Int(warning.output.1))
      #expect(lines[line - 1].contains(warning.output.2), "line \(line) does not say so")
    }
    #expect(
      Set(warnings.map { String($0.output.2) }) == Set(Rule.allCases.map(\.rawValue)))
  }

  @Test func opsAndPassesAreThoseOfTheCompiler() throws {
    // Of some ops only gradients are in the samples.
    let graphs = try OpKind.allSamples.map(\.graph).flatMap { [$0, try Pipeline().run($0)] }
    let ops = graphs.flatMap(\.nodes).map(\.op)
    var rows = "| op | formula |\n|---|---|\n"
    for kind in OpKind.allCases {
      let operation = try #require(ops.first { $0.kind == kind }?.operation, "\(kind)")
      let formula = type(of: operation).formula.replacing("|", with: "\\|")
      rows += "| `\(kind.rawValue)` | \(formula) |\n"
    }
    try DocumentationPage("graph-and-plan").check(generated: "ops", is: rows)
    let passes = Pipeline.standard.map { pass in
      "| `\(pass.name)` | \(pass.summary)\(pass.isRequired ? "; required" : "") |\n"
    }
    try DocumentationPage("graph-and-plan").check(
      generated: "passes", is: "| pass | what it does |\n|---|---|\n" + passes.joined())
    let steps = LoweringPipeline.steps.map { "| `\($0.name)` | \($0.summary) |\n" }
    try DocumentationPage("graph-and-plan").check(
      generated: "steps",
      is: "| step | what it does |\n|---|---|\n"
        + "| `\(LoweringPipeline.first)` | makes a call of every node; required |\n"
        + steps.joined())
  }

  /// The texts of the small model are those of today, and that of the graph parses.
  @Test func textsAreThoseOfToday() throws {
    let page = try DocumentationPage("graph-and-plan")
    let model = try #require(page.blocks.first { $0.file == "small.swift" })
    let folder = try ModelFixture.folder()
    try model.text.write(
      toFile: "\(folder)/small.swift", atomically: true, encoding: .utf8)
    for stage in ["graph", "plan"] {
      let result = try Command.moec(["compile", "small.swift", "--emit", stage], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      if stage == "graph" {
        #expect(try Graph(parsing: result.output).text == result.output)
      }
      let text = result.output.hasSuffix("\n") ? result.output : result.output + "\n"
      try DocumentationPage("graph-and-plan").check(
        generated: stage, is: "```text\n\(text)```\n")
    }
  }
}
