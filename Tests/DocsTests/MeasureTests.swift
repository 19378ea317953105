import Foundation
import ModelFixtures
import Testing

private let hasPython = (try? Command.shell("command -v python3").status) == 0

/// The sizes to which functions and files are held, as `Scripts/measure --check` counts them.
@Suite(.enabled(if: hasPython, "python3 is not here")) struct MeasureTests {
  private func check(_ folders: String...) throws -> Command {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let script = root.appendingPathComponent("Scripts/measure").path
    return try Command.run("/usr/bin/env", ["python3", script, "--check"] + folders)
  }

  @Test func functionsAndFilesAreShort() throws {
    let result = try check()
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("\nall but Tests"))
  }

  @Test func longOnesAreNamed() throws {
    let folder = try ModelFixture.folder()
    let body = String(repeating: "  print()\n", count: 59)
    try "func long() {\n\(body)}\n".write(
      toFile: folder + "/long.swift", atomically: true, encoding: .utf8)
    try String(repeating: "// a line\n", count: 301).write(
      toFile: folder + "/lines.swift", atomically: true, encoding: .utf8)
    let result = try check(folder)
    #expect(result.status == 1)
    #expect(result.output.contains("/long.swift:1: a function of 61 lines\n"))
    #expect(result.output.contains("/lines.swift: 301 lines\n"))
    #expect(result.output.contains("half of the functions have 61 lines or more"))
  }
}
