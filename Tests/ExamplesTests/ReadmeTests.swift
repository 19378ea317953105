import Foundation
import ModelFixtures
import Testing

private let generatedC = "\(root)/Generated/makemoe/block.c"
private let hasGeneratedC = FileManager.default.fileExists(atPath: generatedC)

/// The README names what is there.
@Suite struct ReadmeTests {
  static let readme = Result { try String(contentsOfFile: "\(root)/README.md", encoding: .utf8) }

  @Test func linksLeadSomewhere() throws {
    for match in try Self.readme.get().matches(of: /\]\(([^)#:]+)\)/) {
      let path = "\(root)/\(match.output.1)"
      #expect(FileManager.default.fileExists(atPath: path), "no \(match.output.1)")
    }
  }

  /// It is read to its end; reference tables are in Docs.
  @Test func isShort() throws {
    let lines = try Self.readme.get().split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 251)
  }

  /// The model at its head is one.
  @Test func itsModelIsChecked() throws {
    let readme = try Self.readme.get()
    let match = try #require(readme.firstMatch(of: /```swift\n([\s\S]*?)```/))
    let folder = try ModelFixture.folder()
    try String(match.output.1).write(
      toFile: "\(folder)/small.swift", atomically: true, encoding: .utf8)
    let result = try Command.moec(["check", "small.swift"], in: folder)
    #expect(result.status == 0, "\(result.errors)")
  }

  /// The C in the README is the end of `block_forward` in Generated/makemoe: what experts do.
  @Test(.enabled(if: hasGeneratedC, "Generated/makemoe is not there"))
  func quotesGeneratedC() throws {
    var readme = try Self.readme.get()
    let code = try String(contentsOfFile: generatedC, encoding: .utf8)
    let whole = try #require(code.range(of: "\nvoid block_forward(")).upperBound
    let line = "    // makemoe.swift:38   return expert("
    let start = try #require(code.range(of: line, range: whole..<code.endIndex)).lowerBound
    let end = try #require(code.range(of: "\n}\n", range: start..<code.endIndex)).upperBound
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
