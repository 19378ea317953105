import Foundation
import ModelFixtures
import Testing

private func has(_ program: String) -> Bool {
  (try? Command.shell("command -v \(program)"))?.status == 0
}

/// Everything on the pages that can be typed works as it stands, in order, in a fresh clone.
@Suite struct TypedCommandTests {
  /// Pages whose commands need nothing that is not here.
  static let pages = ((try? DocumentationPage.names.get()) ?? []).filter { name in
    guard let blocks = try? DocumentationPage(name).blocks else { return true }
    let commands = blocks.filter { $0.language == "sh" }.map(\.text).joined()
    return ["cc", "python3"].allSatisfy { !commands.contains("\n\($0) ") || has($0) }
  }

  @Test(arguments: pages)
  func everyCommandWorks(page name: String) throws {
    let blocks = try DocumentationPage(name).blocks
    guard blocks.contains(where: { $0.language == "sh" }) else { return }
    let clone = try ScratchClone()
    let changes = try clone.changes { try type(blocks, in: clone) }
    #expect(changes == nil || changes == "", "git status is not clean")
  }

  private func type(_ blocks: [DocumentationPage.Block], in clone: ScratchClone) throws {
    var printed: String?
    for block in blocks {
      if let file = block.file {
        let place = URL(fileURLWithPath: "\(clone.folder)/\(file)")
        try FileManager.default.createDirectory(
          at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try block.text.write(to: place, atomically: true, encoding: .utf8)
      }
      switch block.language {
      case _ where block.file != nil:
        printed = nil
      case "sh":
        let command = try clone.type(block.text)
        try #require(command.status == 0, "\(block.text)\(command.output)")
        printed = command.output
      case "text", "json":
        guard let output = printed else { continue }
        try expect(block.text, in: output)
        printed = nil
      default:
        printed = nil
      }
    }
  }

  /// Every line is printed, whatever its numbers are; `…` stands for more.
  private func expect(_ text: String, in output: String) throws {
    func shapes(_ text: String) -> [String] {
      text.split(separator: "\n").map { line in
        String(line).replacing(/[0-9]+(?:[.,][0-9]+)*(?:e-?[0-9]+)?/, with: "0")
      }
    }
    let printed = shapes(output)
    for line in shapes(text) where !line.contains("…") {
      #expect(printed.contains(line), "\(output)")
    }
    for line in shapes(text) where line.contains("…") {
      let parts = line.split(separator: "…")
      #expect(printed.contains { whole in parts.allSatisfy { whole.contains($0) } }, "\(output)")
    }
  }

  @Test func pagesAreInTheIndexAndShort() throws {
    let index = try DocumentationPage("README").text
    var lines = 0
    for name in try DocumentationPage.names.get() {
      #expect(name == "README" || index.contains("](\(name).md)"), "\(name) is not in Docs/README")
      // The page for whoever changes moec is not read by its users, and C is there to be looked at.
      if ["ARCHITECTURE", "models"].contains(name) { continue }
      lines += try DocumentationPage(name).text.split(
        separator: "\n", omittingEmptySubsequences: false
      ).count
    }
    #expect(lines < 3000)
  }

  /// The commands that README shows, in order, in one clone: all but these, and with fewer steps.
  @Test func readmeLeavesTheCloneClean() throws {
    // What is typed elsewhere: DemoTests, the tests themselves, InstallTests.
    let others = ["swift run moec demo", "swift test", "./install.sh"]
    let readme = try String(contentsOfFile: "\(root)/README.md", encoding: .utf8)
    let lines = readme.matches(of: /(?m)^    ((?:swift|moec|cd|git|\.\/)[^\n]*)$/).map {
      String($0.output.1)
    }
    let typed = lines.filter { !others.contains($0) }
    #expect(lines.count == typed.count + others.count && typed.count >= 8, "\(lines)")
    let clone = try ScratchClone()
    let changes = try clone.changes {
      let shim = "swift() { shift 2; moec \"$@\"; }\nunset MOEC_RUNS\n"
      let script = typed.joined(separator: "\n").replacing(
        "--steps 600 --eval-batches 20", with: "--steps 2 --eval-batches 1")
      let command = try clone.type(shim + script)
      #expect(command.status == 0, "\(script)\n\(command.output)")
    }
    #expect(changes == nil || changes == "", "git status is not clean")
  }

  @Test func linksLeadSomewhere() throws {
    for name in try DocumentationPage.names.get() {
      for match in try DocumentationPage(name).text.matches(of: /\]\(([^)#:]+)(?:#[^)]*)?\)/) {
        let path = "\(root)/Docs/\(match.output.1)"
        #expect(FileManager.default.fileExists(atPath: path), "\(name): no \(match.output.1)")
      }
    }
  }
}
