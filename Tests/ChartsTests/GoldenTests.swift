import Foundation
import ModelFixtures
import Testing

@testable import Charts

/// Whole pictures; `MOEC_RECORD=1` rewrites the goldens and fails.
@Suite struct GoldenTests {
  static let command = "MOEC_RECORD=1 swift test --filter ChartsTests.GoldenTests"

  @Test func losses() throws {
    let points = try ReferencePoints(label: "published", path: "p.csv", text: Logs.reference)
    var options = Figure.Options()
    options.title = "Losses & points"
    let run = try Logs.history(Logs.plain([4, 2.75, 2.25, 2, 1.875, 1.75]), "makemoe")
    try compare(Figure([run], references: [points], options: options).svg(), with: "losses.svg")
  }

  @Test func everything() throws {
    let runs = [
      try Logs.history(Logs.full(), "first"), try Logs.history(Logs.full(records: 4), "second"),
    ]
    var options = Figure.Options()
    options.isLogarithmic = true
    options.panels = Figure.Panel.allCases
    try compare(Figure(runs, options: options).svg(), with: "everything.svg")
  }

  @Test func narrow() throws {
    let run = try Logs.history(Logs.full(), "a run with a name that is too long for its place")
    try compare(Figure([run]).svg(width: 360), with: "narrow.svg")
  }

  private func compare(_ svg: String, with name: String) throws {
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Goldens/\(name)")
    if ProcessInfo.processInfo.environment["MOEC_RECORD"] != nil {
      try Data(svg.utf8).write(to: golden)
      Issue.record("recorded \(name); run again without MOEC_RECORD")
      return
    }
    let fresh = try ModelFixture.folder() + "/" + name
    try Data(svg.utf8).write(to: URL(fileURLWithPath: fresh))
    let result = try Command.run("/usr/bin/env", ["diff", "-u", golden.path, fresh])
    let shown = result.output.split(separator: "\n").prefix(20).joined(separator: "\n")
    #expect(result.status == 0, "\(Self.command)\n\(shown)")
  }
}
