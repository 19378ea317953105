import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

/// What a training run says of its experts.
@Suite struct ExpertBalanceTests {
  private func load(_ chosen: Int, kept: Int? = nil) -> ExpertLoad {
    ExpertLoad(chosen: chosen, kept: kept ?? chosen, weight: Double(chosen))
  }

  @Test func isTheLargestLoadOverTheMean() {
    let balance = ExpertBalance(
      loads: [[load(10), load(10)], [load(30, kept: 20), load(0), load(5), load(5)]],
      hasCapacity: true)
    #expect(balance.balance == 3)
    #expect(balance.deadExperts == 1)
    #expect(abs(balance.droppedShare - 10.0 / 60) < 1e-12)
    #expect(balance.shares == [[0.5, 0.5], [0.75, 0, 0.125, 0.125]])
    #expect(balance.line == "experts: balance 3.00, 1 dead, 16.7 % dropped")
    let idle = ExpertBalance(loads: [[load(0)]], hasCapacity: false)
    #expect(idle.line == "experts: balance 1.00, 1 dead")
  }

  /// A run of 60 steps or more, evaluated every 20: its lines, notices and log.
  private func run(
    _ library: String, _ change: (inout TrainingSettings) -> Void = { _ in }
  ) throws -> (lines: [String], notices: [String], log: [[String: Any]]) {
    let session = try sampleSession(library: library)
    var settings = TrainingSettings()
    (settings.steps, settings.evaluationInterval, settings.evaluationBatches) = (60, 20, 1)
    change(&settings)
    var files = TrainingFiles()
    files.log = try ModelFixture.folder() + "/l.jsonl"
    var (lines, notices): ([String], [String]) = ([], [])
    var listeners = TrainingListeners()
    listeners.output = { lines.append($0) }
    listeners.notice = { notices.append($0) }
    listeners.showsProgress = false
    try session.train(settings, files: files, listeners: listeners)
    let log = try String(contentsOfFile: files.log ?? "", encoding: .utf8)
    let entries = try log.split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    return (lines, notices, entries)
  }

  @Test func isPrintedAndLoggedFromTheSecondEvaluationOn() throws {
    let (lines, notices, log) = try run(ModelFixture.routed())
    let first = /step 0: train loss \d\.\d{4}, val loss \d\.\d{4}/
    let experts = /experts: balance 1\.\d\d, 0 dead, 0\.0 % dropped/
    try #require(lines.count == 4)
    #expect(lines[0].wholeMatch(of: first) != nil)
    let parts = lines[1].split(separator: "; ")
    #expect(parts.count == 2 && parts[1].wholeMatch(of: experts) != nil, "\(lines[1])")
    #expect(notices == [])
    #expect(log[0]["balance"] == nil && log[0]["expert_load"] == nil)
    let loads = try #require(log[1]["expert_load"] as? [[Double]])
    #expect(loads.map(\.count) == [2] && abs(loads[0].reduce(0, +) - 1) < 1e-5)
    let balance = try #require(log[1]["balance"] as? Double)
    #expect(abs(balance - 2 * (loads[0].max() ?? 0)) < 1e-4)
    #expect(log[1]["dead_experts"] as? Int == 0)
    #expect(log[1]["dropped_share"] as? Double == 0)
  }

  @Test func deadAndOverloadedExpertsAreSaidOnceInWords() throws {
    let (lines, notices, log) = try run(ModelFixture.lopsided()) { $0.steps = 200 }
    try #require(lines.count == 11)
    #expect(lines[1].hasSuffix("; experts: balance 2.00, 1 dead, 25.0 % dropped"))
    #expect(
      notices == [
        """
        expert: expert 1 of 2 is dead: no token chose it in 100 steps, and what no token chooses \
        learns nothing
        hint: noise in the router (noisy top-k), a lower --learning-rate, another --seed or fewer \
        experts
        """,
        """
        expert: expert 0 of 2 is overloaded: 2.00 times the mean load, 25.0 % of it dropped, \
        above 1.97 for 100 steps; others learn less
        hint: noise in the router (noisy top-k) or a lower --learning-rate; a capacity bounds what \
        it computes
        """,
      ])
    #expect(log[3]["dead_experts"] as? Int == 1)
    let short = try run(ModelFixture.lopsided())
    #expect(short.notices == [], "60 steps tell nothing of a router")
    let seldom = try run(ModelFixture.lopsided()) { ($0.steps, $0.evaluationInterval) = (200, 100) }
    #expect(seldom.notices == [], "and two evaluations do not")
  }

  /// What is said when expert 1 of 8, of which a token chooses 2, has these shares of all tokens
  /// at evaluations every 40 steps; the watch is written and read in between, as in a checkpoint.
  private func notices(ofShares shares: [Double]) throws -> [[String]] {
    let router = Manifest.Router(name: "mixture", experts: 8, choices: 2)
    var watch = ExpertWatch()
    return try shares.map { share in
      let one = Int(share * 5000)
      watch.add([(0..<8).map { load($0 == 1 ? one : (10_000 - one) / 7) }], steps: 40)
      let taken = watch.take([router])
      watch = try JSONDecoder().decode(ExpertWatch.self, from: JSONEncoder().encode(watch))
      return try #require(taken).notices
    }
  }

  /// An expert that nine of ten tokens choose is what makemoe's last router finds and keeps.
  @Test func anExpertIsOverloadedOnlyByNearlyAllTokensAndForLong() throws {
    #expect(try notices(ofShares: [0.93, 0.92, 0.9, 0.91, 0.95, 0.9]).joined().isEmpty)
    #expect(try notices(ofShares: [1, 0.99, 0.8, 1, 0.99, 0.9]).joined().isEmpty)
    let said = try notices(ofShares: [0.5, 0.99, 0.98, 0.99, 0.5, 1, 1, 1])
    #expect(said.map(\.count) == [0, 0, 0, 1, 0, 0, 0, 0], "\(said)")
    #expect(
      said[3].first?.hasPrefix(
        """
        mixture: expert 1 of 8 is overloaded: 3.96 times the mean load, above 3.91 for 120 steps; \
        others learn less
        """) == true, "\(said[3])")
  }

  @Test func anExpertThatSomeTokenFindsAgainIsNotDead() throws {
    #expect(try notices(ofShares: [0, 0, 0.01, 0, 0, 0.3, 0, 0]).joined().isEmpty)
    #expect(try notices(ofShares: [0, 0, 0, 0.1, 0, 0, 0]).map(\.count) == [0, 0, 1, 0, 0, 0, 0])
  }

  /// The loads that `Docs/makemoe.jsonl` was trained with, every 100 steps.
  @Test func theShippedExampleHasNoneInAllOfItsRun() throws {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let path = tests.appendingPathComponent("../../Docs/makemoe.jsonl").standardized
    var watch = ExpertWatch()
    let routers = (0..<8).map { Manifest.Router(name: "\($0)", experts: 8, choices: 2) }
    var said: [String] = []
    for line in try String(contentsOf: path, encoding: .utf8).split(separator: "\n") {
      let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      guard let shares = entry?["expert_load"] as? [[Double]] else { continue }
      watch.add(shares.map { $0.map { load(Int($0 * 102_400)) } }, steps: 100)
      said += watch.take(routers)?.notices ?? []
    }
    #expect(said == [])
  }

  /// A record from before evaluations were counted is read.
  @Test func olderRecordsAreRead() throws {
    let old = Data(#"{"loads":[],"steps":0,"told":["mixture 1 dead"]}"#.utf8)
    #expect(throws: Never.self) { try JSONDecoder().decode(ExpertWatch.self, from: old) }
  }

  @Test func fewChoicesTellNothingOfAnExpert() throws {
    let notices = try run(ModelFixture.lopsided()) {
      ($0.steps, $0.evaluationInterval) = (200, 5)
    }.notices
    #expect(notices == [])
  }

  @Test func aModelThatRoutesNothingHasNone() throws {
    let (lines, notices, log) = try run(ModelFixture.bigram())
    #expect(!lines.joined().contains("experts") && notices == [])
    #expect(log.allSatisfy { $0["balance"] == nil })
  }

  @Test func aResumedRunCountsOn() throws {
    let folder = try ModelFixture.folder()
    /// A run of 141 steps, or of as many batches; what it logged of the steps between evaluations.
    func run(
      _ name: String, from start: Session.Parameters, batches: Int = .max
    ) throws -> (log: [String], notices: [String]) {
      let session = try sampleSession(library: ModelFixture.lopsided(), parameters: start)
      var settings = TrainingSettings()
      (settings.steps, settings.evaluationInterval, settings.evaluationBatches) = (141, 20, 1)
      settings.clip = 0.5
      var files = TrainingFiles()
      (files.save, files.log) = (folder + "/\(name)", folder + "/\(name).jsonl")
      var (done, notices): (Int, [String]) = (0, [])
      var listeners = TrainingListeners()
      listeners.notice = { notices.append($0) }
      listeners.isInterrupted = {
        done += 1
        return done == batches
      }
      try session.train(settings, files: files, listeners: listeners)
      let log = try String(contentsOfFile: folder + "/\(name).jsonl", encoding: .utf8)
      let lines = log.split(separator: "\n")
      return (lines.map { String($0.replacing(/"seconds":[0-9.]+,/, with: "")) }, notices)
    }
    let whole = try run("whole", from: .initialized)
    let part = try run("part", from: .initialized, batches: 2 + 20 + 2 + 10)
    #expect(part.log.count == 2 && part.notices.isEmpty && whole.notices.count == 2)
    let rest = try run("part", from: .checkpoint(folder + "/part"))
    #expect(rest.log == whole.log)
    #expect(rest.log.last?.contains("expert_load") == true)
    #expect(rest.log.last?.contains("gradient_norm") == true)
    #expect(rest.notices == whole.notices, "steps from before the end count")
    let late = try run("late", from: .initialized, batches: 6 * 2 + 110)
    #expect(late.notices == whole.notices)
    let end = try run("late", from: .checkpoint(folder + "/late"))
    #expect(end.notices == [], "it was said before")
  }
}
