import Foundation
import ModelFixtures
import Testing

@testable import Search

/// The journal of a study, as processes that come and go write it.
@Suite struct JournalTests {
  private func begin(_ number: Int, _ worker: String = "a") -> StudyRecord {
    .begin(trial: number, values: ["x": .whole(number)], worker: worker, time: 0)
  }

  private func end(_ number: Int, _ worker: String = "a", _ loss: Double = 1) -> StudyRecord {
    var result = TrialResult(.complete)
    result.values = [loss]
    return .end(trial: number, worker: worker, result: result)
  }

  @Test func recordsAreReadAsTheyWereWritten() throws {
    let bench = try Bench()
    let journal = try bench.journal()
    try journal.begin(bench.plan)
    let values: TrialValues = [
      "a": .whole(3), "b": .number(1e-4), "c": .word("x"), "d": .number(16),
    ]
    try journal.append(.begin(trial: 0, values: values, worker: "w", time: 12.5))
    try journal.append(.report(trial: 0, worker: "w", step: 20, loss: 1.25))
    try journal.append(end(0, "w", 0.5))
    let other = try bench.journal()
    #expect(other.study == journal.study)
    #expect(other.study.plan == bench.plan && other.study.trials[0].values == values)
    #expect(other.study.trials[0].reports == [.init(step: 20, loss: 1.25)])
    #expect(other.study.best?.value == 0.5)
  }

  @Test func whatOthersWroteIsSeenBeforeAnythingIsWritten() throws {
    let bench = try Bench()
    let (first, second) = try (bench.journal(), bench.journal())
    try first.append(begin(0))
    try second.exclusively {
      #expect(second.study.trials.count == 1)
      try second.append(begin(second.study.trials.count, "b"))
    }
    try first.append(end(0))
    #expect(first.study.trials.map(\.worker) == ["a", "b"])
    try second.exclusively {}
    #expect(second.study == first.study)
  }

  @Test func halfALineIsTakenAway() throws {
    let bench = try Bench()
    try bench.journal().append(begin(0))
    let whole = try Data(contentsOf: URL(fileURLWithPath: bench.path))
    for count in [1, 10, whole.count - 1] {
      try (whole + whole.prefix(count)).write(to: URL(fileURLWithPath: bench.path))
      let journal = try bench.journal()
      #expect(journal.study.trials.count == 1)
      try journal.append(end(0))
      #expect(try bench.journal().study.finished.count == 1)
      try whole.write(to: URL(fileURLWithPath: bench.path))
    }
  }

  /// What is no beginning of a record was not written by a search that was killed.
  @Test(arguments: ["my notes", "{\"a\"", "{\"beginning\":{"])
  func whatOthersWroteIsNotTakenAway(text: String) throws {
    let bench = try Bench()
    try text.write(toFile: bench.path, atomically: true, encoding: .utf8)
    let error = #expect(throws: SearchError.self) { try bench.journal() }
    #expect(error?.message.hasPrefix("\(bench.path):1: not a line") == true)
    #expect(try String(contentsOfFile: bench.path, encoding: .utf8) == text)
  }

  /// A file system may keep the length of what it lost.
  @Test func zerosAreHalfALine() throws {
    let bench = try Bench()
    try bench.journal().append(begin(0))
    let whole = try Data(contentsOf: URL(fileURLWithPath: bench.path))
    try (whole + Data(count: 20)).write(to: URL(fileURLWithPath: bench.path))
    #expect(try bench.journal().study.trials.count == 1)
    #expect(try Data(contentsOf: URL(fileURLWithPath: bench.path)) == whole)
  }

  /// Whoever was told that nothing meets the conditions may search with others.
  @Test func aStudyWithoutTrialsMayBecomeAnother() throws {
    let bench = try Bench()
    var other = bench.plan
    other.conditions = ["chosen>99"]
    let journal = try bench.journal()
    try journal.begin(other)
    try journal.begin(bench.plan)
    #expect(journal.study.plan?.conditions == bench.plan.conditions)
    #expect(try bench.journal().study == journal.study)
    var same = bench.plan
    same.identifier = "y"
    try journal.begin(same)
    #expect(journal.study.plan?.identifier == "x")
    try journal.append(begin(0))
    #expect(throws: SearchError.self) { try journal.begin(other) }
  }

  @Test(arguments: ["nonsense\n", "{}\n", "{\"begin\":{}}\n", "[1,2]\n"])
  func whatIsNoRecordIsAnError(text: String) throws {
    let bench = try Bench()
    try bench.journal().append(begin(0))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: bench.path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8))
    let error = #expect(throws: SearchError.self) { try bench.journal() }
    #expect(error?.message.hasPrefix("\(bench.path):2: ") == true)
    #expect(throws: (any Error).self) { try StudyJournal(bench.folder) }
  }

  @Test func aTrialIsCountedOnceWhoeverSaysWhat() {
    var study = Study()
    let records = [
      begin(0), begin(0, "b"), begin(2), end(0, "b"), begin(1), end(7),
      .report(trial: 0, worker: "a", step: 1, loss: 3),
      .take(trial: 0, worker: "c", time: 1), end(0),
      .report(trial: 0, worker: "a", step: 2, loss: 3),
      end(0, "c", 2), end(0, "c", 1), .take(trial: 0, worker: "d", time: 1),
    ]
    for record in records { study.apply(record) }
    #expect(study.trials.map(\.number) == [0, 1])
    #expect(study.trials[0].worker == "c" && study.trials[0].value == 2)
    #expect(study.trials[0].reports.isEmpty && study.trials[1].result == nil)
  }

  @Test func theFrontIsWhatNothingBeats() {
    var study = Study()
    let values: [[Double]] = [[3, 1], [1, 3], [2, 2], [2, 2], [2, 3], [4, 4], [1, 4]]
    for (number, values) in values.enumerated() {
      study.apply(begin(number))
      var result = TrialResult(.complete)
      result.values = values
      study.apply(.end(trial: number, worker: "a", result: result))
    }
    #expect(study.front.map(\.number) == [1, 2, 0])
    #expect(study.ranking.map(\.number) == [1, 6, 2, 3, 4, 0, 5])
  }

  @Test func anotherSearchInTheSameFolderIsAnError() throws {
    let bench = try Bench()
    try bench.journal().begin(bench.plan)
    try bench.journal().append(begin(0))
    try bench.journal().begin(bench.plan)
    var other = bench.plan
    other.training["data"] = "text"
    let error = #expect(throws: SearchError.self) { try bench.journal().begin(other) }
    #expect(error?.message.contains("--data was not given") == true)
    other = bench.plan
    other.steps = 3
    #expect(throws: SearchError.self) { try bench.journal().begin(other) }
  }

  @Test func aWorkerLivesAsLongAsItsProcess() throws {
    let folder = try ModelFixture.folder() + "/workers"
    let worker = try StudyWorker(in: folder)
    let other = try StudyWorker(in: folder)
    #expect(other.isAlive(worker.name) && other.isAlive(other.name))
    #expect(!other.isAlive("gone-1-2") && !other.isAlive("../x"))
    worker.leave()
    #expect(!other.isAlive(worker.name))
  }
}
