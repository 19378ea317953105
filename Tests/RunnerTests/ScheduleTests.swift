import Foundation
import ModelFixtures
import Testing

@testable import Runner

/// How learning rates change over a run.
@Suite struct ScheduleTests {
  private func rates(_ schedule: LearningRateSchedule, _ steps: [Int]) -> [Float] {
    steps.map { schedule.rate(at: $0, of: 100, peak: 0.1) }
  }

  @Test func ratesFollowTheSchedule() {
    #expect(rates(.init(), [0, 50, 99]) == [0.1, 0.1, 0.1])
    #expect(rates(.init(.constant, warmup: 4), [0, 1, 3, 4]) == [0.025, 0.05, 0.1, 0.1])
    #expect(rates(.init(.linear, final: 0.02), [0, 100]) == [0.1, 0.02])
    #expect(rates(.init(.cosine), [0, 50]) == [0.1, 0.05])
    #expect(rates(.init(.cosine, warmup: 20, final: 0.01), [20, 60]) == [0.1, 0.055])
    let falling = rates(.init(.cosine, warmup: 10), Array(10..<100))
    #expect(zip(falling, falling.dropFirst()).allSatisfy(>))
  }

  @Test func theLastStepsOfAStableRunDecay() {
    let root = LearningRateSchedule(.wsd, warmup: 10, decaySteps: 16)
    #expect(rates(root, [4, 9, 10, 50, 83, 84]) == [0.05, 0.1, 0.1, 0.1, 0.1, 0.1])
    // 1 - √(1/16), 1 - √(4/16), 1 - √(9/16), and at the end nothing.
    #expect(rates(root, [85, 88, 93, 100]) == [0.075, 0.05, 0.025, 0])
    let linear = LearningRateSchedule(.wsd, final: 0.02, decaySteps: 20, decayForm: .linear)
    #expect(rates(linear, [79, 80, 85, 95, 100]) == [0.1, 0.1, 0.08, 0.04, 0.02])
  }

  @Test func aFifthOfTheStepsDecaysUnlessTold() {
    let rates = rates(.init(.wsd), [79, 80, 81])
    #expect(rates[0] == 0.1 && rates[1] == 0.1 && rates[2] < 0.1)
    #expect(LearningRateSchedule(.wsd, warmup: 95).decaySteps(of: 100) == 5)
    for steps in 1...3 {
      #expect(LearningRateSchedule(.wsd, warmup: 5).decaySteps(of: steps) == 1)
      #expect(LearningRateSchedule(.wsd).rate(at: 0, of: steps, peak: 1) == 1)
    }
  }

  /// A log has the rate of the step that follows, with all its digits.
  @Test func aResumedRunHasTheSameRates() throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(sampleText())
    func rates(_ name: String, _ options: String) throws -> [Substring] {
      let result = try Command.shell(
        "exec \"$0\" run \"$1\" --train --data \"$2\" --eval-batches 1 --eval-interval 1 --threads 1 "
          + "--save \(folder)/\(name) --log \(folder)/\(name).jsonl \(options)",
        [try ModelFixture.bigram(), text])
      #expect(result.status == 0, "\(result.errors)")
      let log = try String(contentsOfFile: "\(folder)/\(name).jsonl", encoding: .utf8)
      return log.matches(of: /"learning_rate":([^,}]+)/).map(\.1)
    }
    let options = "--schedule wsd --warmup 3 --decay-steps 6 --decay-form linear"
    let whole = try rates("whole", "--steps 12 \(options)")
    let expected: [Float] = [1 / 3, 2 / 3, 1, 1, 1, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    let found = whole.compactMap { Float($0) }
    try #require(found.count == 12)
    #expect(zip(found, expected).allSatisfy { abs($0 - 0.01 * $1) < 1e-8 }, "\(whole)")
    // What was not to decay yet goes on, and decays at its new end.
    _ = try rates("part", "--steps 5 --schedule wsd --warmup 3 --decay-steps 1")
    let resumed = try rates(
      "part", "--steps 12 --resume \(folder)/part --decay-steps 6 --decay-form linear")
    #expect(resumed.suffix(7) == whole.suffix(7))
    let settings = try String(contentsOfFile: "\(folder)/whole.settings.json", encoding: .utf8)
    for line in ["\"decay-steps\" : 6", "\"decay-form\" : \"linear\"", "\"schedule\" : \"wsd\""] {
      #expect(settings.contains(line), "\(settings)")
    }
    _ = try rates("again", "--config \(folder)/whole.settings.json")
    let files = try ["whole", "again"].map { try tensorBytes("\(folder)/\($0)") }
    #expect(files[0] == files[1])
  }

  @Test(arguments: [
    ("--decay-steps 5", "--decay-steps is of no use with a constant schedule"),
    (
      "--schedule cosine --decay-form linear", "--decay-form is of no use with a cosine schedule"
    ),
    (
      "--schedule wsd --steps 10 --warmup 6 --decay-steps 5",
      "--warmup 6 and --decay-steps 5 are more than --steps 10"
    ),
    ("--schedule wsd --decay-steps 0", "--decay-steps must be from 1 to 1,000,000,000, not 0"),
    ("--schedule wsd --decay-form cubic", "'cubic' is invalid for '--decay-form <form>'"),
  ])
  func saysWhatCannotBe(_ options: String, _ message: String) throws {
    let text = try fileWith(sampleText())
    let result = try Command.shell(
      "exec \"$0\" run \"$1\" --train --no-save --data \"$2\" \(options)",
      [try ModelFixture.bigram(), text])
    #expect(result.status != 0)
    #expect(result.errors.contains(message), "\(result.errors)")
  }
}
