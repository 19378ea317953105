import Foundation
import ModelFixtures
import Synchronization
import Testing

@testable import Search

/// Trials from the first suggestion to what becomes of them.
@Suite struct StudySearchTests {
  @Test func trialsMeetTheConditionsAndTheBudget() throws {
    let study = try Bench().run()
    let again = try Bench().run()
    #expect(study.trials.count == 12 && study.finished.count == 12)
    for trial in study.trials {
      let (experts, chosen) = (trial.values["experts"]?.asNumber, trial.values["chosen"]?.asNumber)
      #expect(try #require(chosen) <= #require(experts))
    }
    let best = try #require(study.best)
    #expect(best.result?.loss == study.ranking.compactMap(\.value).min())
    #expect(best.reports.count == 6 && best.result?.steps == 100)
    #expect(again.trials.map(\.values) == study.trials.map(\.values))
  }

  @Test func severalWorkersMakeTheSameTrialsOnce() throws {
    var bench = try Bench()
    bench.options.workers = 3
    bench.options.budget = Budget(trials: 30)
    let study = try bench.run()
    #expect(study.finished.count == 30)
    let numbers = bench.maker.made.withLock { $0 }
    #expect(Set(numbers).count == numbers.count)
    bench = try Bench()
    bench.options.budget = Budget(trials: 30)
    let alone = try bench.run()
    #expect(study.trials.map(\.values) == alone.trials.map(\.values))
  }

  /// As processes of several machines do that share the folder.
  @Test func severalSearchesShareAStudy() throws {
    var bench = try Bench()
    bench.options.budget = Budget(trials: 40)
    let shared = bench
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      do { try shared.run() } catch { failures.withLock { $0.append("\(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    let study = try bench.journal().study
    #expect(study.trials.count == 40 && study.finished.count == 40)
    let numbers = bench.maker.made.withLock { $0 }
    #expect(Set(numbers).count == numbers.count)
  }

  @Test func objectivesAreWhatTheySay() throws {
    let study = try Bench(objectives: [.bits, .bytes]).run()
    for trial in study.trials {
      let result = try #require(trial.result)
      #expect(abs(result.values[0] * 0.693147180559945 - (result.loss ?? 0)) < 1e-9)
      #expect(result.values[1] == Double(result.cost?.bytes ?? 0))
    }
  }

  @Test func whatIsTooLargeIsRefusedAndWhatFailsIsNoted() throws {
    var bench = try Bench(fails: 13)
    bench.options.most = 12_000_000
    bench.options.budget = Budget(trials: 60)
    let study = try bench.run()
    for trial in study.trials {
      let experts = try #require(trial.values["experts"]?.asNumber)
      let state = trial.result?.state
      #expect(state == (experts == 13 ? .failed : experts > 12 ? .refused : .complete))
    }
    let made = bench.maker.made.withLock { $0.count }
    #expect(made == study.trials.count { $0.isComplete && $0.result?.copied == nil } && made > 20)
    let table = StudyTable(study, bench.space)
    #expect(table.counts.contains("refused") && table.counts.contains("failed"))
    let failed = try #require(study.trials.first { $0.result?.state == .failed })
    #expect(table.line(failed).contains("13 is no number of experts"))
    let refused = try #require(study.trials.first { $0.result?.state == .refused })
    #expect(table.line(refused).hasSuffix("MB, and 12 MB are allowed"))
    #expect(StudyTable(Study(), bench.space).counts == "0 trials")
  }

  @Test func equalValuesHaveEqualResults() throws {
    var bench = try Bench(["experts=2,4,8"], where: [])
    bench.options.budget = Budget(trials: 6)
    let study = try bench.run()
    #expect(study.finished.count == 6 && bench.maker.made.withLock { $0.count } == 3)
    let copies = study.trials.filter { $0.result?.copied != nil }
    #expect(copies.count == 3)
    for copy in copies {
      let first = study.trials[try #require(copy.result?.copied)]
      #expect(first.values == copy.values && first.value == copy.value)
    }
    // No attempt is wasted on what is known while there is something left to try.
    #expect(Set(study.trials.prefix(3).compactMap { $0.values["experts"] }).count == 3)
  }

  @Test func aGridEndsWithItsLastPoint() throws {
    var bench = try Bench(["experts=2,4,8", "chosen=1..4"])
    bench.options.budget = Budget(trials: 100)
    let study = try bench.run(GridSampler(bench.space, fixed: [:], seed: 7))
    #expect(study.finished.count == 10 && study.best?.values["experts"] == .whole(8))
  }

  @Test func budgetsAreOperationsAndSeconds() throws {
    var bench = try Bench()
    bench.options.budget = Budget(flops: 4.5e8)
    #expect(try bench.run().trials.count == 5)
    bench.options.budget = Budget(trials: 100, seconds: 0)
    #expect(try bench.run().trials.count == 5)
  }

  @Test func theMedianEndsWhatIsWorse() throws {
    var bench = try Bench()
    bench.options.budget = Budget(trials: 40)
    let study = try bench.run(pruner: MedianPruner(warmup: 20))
    let pruned = study.trials.filter { $0.result?.state == .pruned }
    #expect(pruned.count > 10 && study.trials.prefix(5).allSatisfy { $0.isComplete })
    #expect(pruned.allSatisfy { $0.result?.steps ?? 0 > 20 && $0.result?.values.isEmpty == true })
    // What it ends is not the best.
    bench = try Bench()
    bench.options.budget = Budget(trials: 40)
    let all = try bench.run()
    #expect(study.best?.values == all.best?.values)
    #expect(StudyTable(study, bench.space).savedShare ?? 0 > 0.15)
  }

  /// A trial that is cut off stays for the next, which makes it whole.
  @Test func whatWasBegunIsMadeByTheNext() throws {
    let bench = try Bench()
    let maker = bench.maker
    var listeners = StudySearch.Listeners()
    listeners.isInterrupted = { maker.made.withLock { $0.count } > 4 }
    let cut = try bench.run(listeners: listeners)
    #expect(cut.trials.count { $0.result == nil } == 1 && cut.trials.count == 5)
    let whole = try bench.run(maker: Formula(fails: nil))
    #expect(whole.finished.count == 12)
    #expect(whole.trials.prefix(cut.trials.count).map(\.values) == cut.trials.map(\.values))
    #expect(whole.trials.allSatisfy { $0.reports.count == 6 && $0.isComplete })
    let other = try Bench().run()
    #expect(whole.trials.map(\.values) == other.trials.map(\.values))
  }

  @Test func aTrialOfALivingWorkerIsItsOwn() throws {
    let bench = try Bench()
    let journal = try bench.journal()
    try journal.begin(bench.plan)
    let other = try StudyWorker(in: bench.folder + "/workers")
    let values: TrialValues = ["experts": .whole(2), "chosen": .whole(1), "rate": .number(1e-3)]
    try journal.append(.begin(trial: 0, values: values, worker: other.name, time: 0))
    #expect(try bench.run().finished.count == 11)
    other.leave()
    let study = try bench.run()
    #expect(study.finished.count == 12 && study.trials[0].worker != other.name)
  }

  /// With one trial ahead, each is begun while the one before is trained, whichever is ready first.
  @Test(arguments: [1, 3]) func trialsHaveTheirTurnsInOrder(ahead: Int) throws {
    var bench = try Bench()
    bench.options.ahead = ahead
    let study = try bench.run(maker: Sleepy())
    #expect(study.finished.count == 12)
    let text = try String(contentsOfFile: bench.path, encoding: .utf8)
    let events = text.matches(of: /(?m)^\{"(begin|end)":.*?"trial":(\d+)/).map {
      "\($0.output.1) \($0.output.2)"
    }
    let expected =
      (0...ahead).map { "begin \($0)" }
      + (0..<12).flatMap {
        ["end \($0)"] + ($0 + ahead + 1 < 12 ? ["begin \($0 + ahead + 1)"] : [])
      }
    #expect(events == expected)
  }

  @Test func whereNothingWorksItEnds() throws {
    let bench = try Bench(["experts=4", "rate=1e-4..1e-2"], where: [], fails: 4)
    let error = #expect(throws: SearchError.self) { try bench.run() }
    #expect(error?.message == "the first 5 trials failed, the last as 4 is no number of experts")
    #expect(try bench.journal().study.trials.count == 5)
  }

  @Test func aJournalNamesNoOptionsOfItsOwn() throws {
    let bench = try Bench()
    let journal = try bench.journal()
    try journal.begin(bench.plan)
    let values: TrialValues = ["experts": .whole(2), "chosen": .whole(1), "save": .word("x")]
    try journal.append(.begin(trial: 0, values: values, worker: "gone", time: 0))
    let error = #expect(throws: SearchError.self) { try bench.run() }
    #expect(error?.message.contains("trial 0 has other parameters") == true)
  }

  @Test func conditionsThatNothingMeetsAreAnError() throws {
    let bench = try Bench(["experts=2..16"], where: ["experts>16"])
    let error = #expect(throws: SearchError.self) { try bench.run() }
    #expect(error?.message == "no values were found that meet experts>16")
  }
}
