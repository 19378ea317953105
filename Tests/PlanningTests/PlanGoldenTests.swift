import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// The text of small plans; `MOEC_RECORD=1` rewrites the goldens and fails.
@Suite struct PlanGoldenTests {
  static let command = "MOEC_RECORD=1 swift test --filter PlanGoldenTests"

  static let models = [
    MakeMoE("small") { $0.dropout = 0.1 },
    MakeMoE("small-capacity") { ($0.capacity, $0.isNoisy, $0.depth) = (1, false, 1) },
  ]

  @Test("The plan's text is as it was", arguments: models)
  func text(model: MakeMoE) throws {
    // Locations are those of the tests' own sources, which come and go.
    let text = try Pipelines.plan(model.graph()).text
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { line in
        line.split(separator: " ", omittingEmptySubsequences: false)
          .filter { !$0.contains(".swift:") }.joined(separator: " ")
      }
      .joined(separator: "\n")
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Goldens/\(model.name).plan.txt")
    if ProcessInfo.processInfo.environment["MOEC_RECORD"] != nil {
      try Data(text.utf8).write(to: golden)
      Issue.record("recorded \(golden.lastPathComponent); run again without MOEC_RECORD")
      return
    }
    let fresh = try ModelFixture.folder() + "/plan.txt"
    try Data(text.utf8).write(to: URL(fileURLWithPath: fresh))
    let result = try Command.run("/usr/bin/env", ["diff", "-u", golden.path, fresh])
    let shown = result.output.split(separator: "\n").prefix(40).joined(separator: "\n")
    #expect(result.status == 0, "\(Self.command)\n\(shown)")
  }
}
