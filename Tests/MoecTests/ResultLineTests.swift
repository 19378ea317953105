import Foundation
import ModelFixtures
import Testing

/// What programs that try many settings give to a run and take from it.
@Suite struct ResultLineTests {
  private let folder: String

  init() throws {
    folder = try ModelFixture.folder()
    let text = String(repeating: "abc bad ace cab fed deaf jig hi\n", count: 60)
    try text.write(toFile: "\(folder)/text", atomically: true, encoding: .utf8)
  }

  private func train(_ words: [String], library: String? = nil) throws -> Command {
    try Command.moec(
      ["run", library ?? ModelFixture.bigram(), "--train", "--data=text", "--eval-batches=1"]
        + words, in: folder)
  }

  @Test func theLowestLossIsTheLastLine() throws {
    let run = try train([
      "--steps=9", "--eval-interval=4", "--learning-rate=0.05", "--no-save", "--result-line",
    ])
    #expect(run.status == 0, "\(run.errors)")
    let losses = run.output.matches(of: /val loss ([0-9.]+)/).compactMap { Double($0.output.1) }
    let last = try #require(run.output.split(separator: "\n").last)
    #expect(losses.count == 3)
    #expect(last == "val_loss=\(String(format: "%.4f", try #require(losses.min())))")
    #expect(run.output.matches(of: /(?m)^\w+=/).count == 1)
  }

  @Test func aRunThatGoesOnRemembersItsBest() throws {
    #expect(try train(["--steps=4", "--eval-interval=2", "--save=w"]).status == 0)
    let best = try train([
      "--steps=6", "--learning-rate=50", "--resume=w", "--save=w", "--result-line",
    ])
    let earlier = try train(["--steps=4", "--eval-interval=2", "--no-save", "--result-line"])
    #expect(
      best.output.split(separator: "\n").last == earlier.output.split(separator: "\n").last)
  }

  @Test func whatFailsHasNoResult() throws {
    let run = try train(
      ["--steps=9", "--no-save", "--result-line"], library: ModelFixture.broken("diverges"))
    #expect(run.status == 1 && !run.output.contains("val_loss="))
    let other = try Command.moec(
      ["run", ModelFixture.bigram(), "--evaluate", "--data=text", "--result-line"], in: folder)
    #expect(other.status == 64 && other.errors.contains("--result-line has no meaning"))
  }

  @Test func weightDecayIsAnOption() throws {
    func line(_ words: [String]) throws -> Substring? {
      let run = try train(["--steps=9", "--no-save"] + words)
      return run.errors.split(separator: "\n").first { $0.hasPrefix("parameters after ") }
    }
    let usual = try line([])
    #expect(try usual != nil && line(["--weight-decay=0.01"]) == usual)
    #expect(try line(["--weight-decay=0.5"]) != usual)
    #expect(try train(["--weight-decay=-1"]).status == 64)
  }
}
