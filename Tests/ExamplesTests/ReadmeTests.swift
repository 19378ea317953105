import Foundation
import ModelFixtures
import Testing

private let generatedC = "\(root)/Generated/makemoe/block.c"
private let hasGeneratedC = FileManager.default.fileExists(atPath: generatedC)

/// The README names what is there, and all of it.
@Suite struct ReadmeTests {
  static let readme = Result { try String(contentsOfFile: "\(root)/README.md", encoding: .utf8) }

  @Test(arguments: ["compile", "check", "run", "plot", "inspect", "bench", "demo"])
  func namesEveryOption(command: String) throws {
    let readme = try Self.readme.get()
    let help = try Command.moec([command, "--help"]).output
    let options = Set(help.matches(of: /--[a-z][a-z-]+/).map { String($0.output) })
    #expect(options.count > 1)
    for option in options.subtracting(["--help"]).sorted() {
      #expect(readme.contains(option), "README.md does not name \(option) of moec \(command)")
    }
  }

  @Test func linksLeadSomewhere() throws {
    for match in try Self.readme.get().matches(of: /\]\(([^)#:]+)\)/) {
      let path = "\(root)/\(match.output.1)"
      #expect(FileManager.default.fileExists(atPath: path), "no \(match.output.1)")
    }
  }

  /// Every function of the DSL that a model can call is in the README.
  @Test func namesTheWholeDSL() throws {
    let readme = try Self.readme.get()
    let folder = "\(root)/Sources/MoE"
    for file in try FileManager.default.contentsOfDirectory(atPath: folder)
    where file.hasSuffix(".swift") {
      let source = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      for match in source.matches(of: /public (?:static )?(?:func|struct) ([A-Za-z]+)/) {
        let name = String(match.output.1)
        guard !["hash", "trace", "ModelErrors"].contains(name) else { continue }
        #expect(readme.contains(name), "README.md does not name \(name) of \(file)")
      }
    }
  }

  /// The C in the README is `block_forward` in Generated/makemoe, from the second norm on.
  @Test(.enabled(if: hasGeneratedC, "Generated/makemoe is not there"))
  func quotesGeneratedC() throws {
    var readme = try Self.readme.get()
    let code = try String(contentsOfFile: generatedC, encoding: .utf8)
    let start = try #require(code.range(of: "    // makemoe.swift:37 ")).lowerBound
    let whole = try #require(code.range(of: "\nvoid block_forward(", range: start..<code.endIndex))
    let end = try #require(
      code.range(of: "\n}\n", range: whole.upperBound..<code.endIndex)
    ).upperBound
    let excerpt = String(code[start..<end])
    let opening = try #require(readme.range(of: "```c\n    // makemoe.swift:"))
    let first = readme.range(of: "\n", range: opening)?.upperBound ?? opening.upperBound
    let fence = try #require(readme.range(of: "```", range: first..<readme.endIndex)).lowerBound
    let isRecording = ProcessInfo.processInfo.environment["MOEC_RECORD"] == "1"
    if isRecording {
      readme.replaceSubrange(first..<fence, with: excerpt)
      try readme.write(toFile: "\(root)/README.md", atomically: true, encoding: .utf8)
      Issue.record("README.md was written anew; test again without MOEC_RECORD")
    } else {
      #expect(
        readme[first..<fence] == excerpt,
        "README.md quotes other C: MOEC_RECORD=1 swift test --filter ReadmeTests")
    }
  }
}
