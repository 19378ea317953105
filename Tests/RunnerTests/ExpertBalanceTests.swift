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

  /// A run of 60 steps, evaluated every 20: its lines, notices and log.
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
    let (lines, notices, log) = try run(ModelFixture.lopsided())
    #expect(lines[1].hasSuffix("; experts: balance 2.00, 1 dead, 25.0 % dropped"))
    #expect(
      notices == [
        """
        expert: expert 1 of 2 is dead: no token chose it in 20 steps, and what no token chooses \
        learns nothing
        hint: noise in the router (noisy top-k), a lower --learning-rate, another --seed or fewer \
        experts
        """,
        """
        expert: expert 0 of 2 is overloaded: 2.00 times the mean load in 20 steps, 25.0 % of it \
        dropped, above 1.80; others learn less
        hint: noise in the router (noisy top-k) or a lower --learning-rate; a capacity bounds what \
        it computes
        """,
      ])
    #expect(log[3]["dead_experts"] as? Int == 1)
  }

  @Test func fewChoicesTellNothingOfAnExpert() throws {
    let notices = try run(ModelFixture.lopsided()) { $0.evaluationInterval = 5 }.notices
    #expect(notices == [])
  }

  @Test func aModelThatRoutesNothingHasNone() throws {
    let (lines, notices, log) = try run(ModelFixture.bigram())
    #expect(!lines.joined().contains("experts") && notices == [])
    #expect(log.allSatisfy { $0["balance"] == nil })
  }

  @Test func aResumedRunCountsOn() throws {
    let folder = try ModelFixture.folder()
    /// A run of 41 steps, or of as many batches; what it logged of the steps between evaluations.
    func run(
      _ name: String, from start: Session.Parameters, batches: Int = .max
    ) throws -> (log: [String], notices: [String]) {
      let session = try sampleSession(library: ModelFixture.lopsided(), parameters: start)
      var settings = TrainingSettings()
      (settings.steps, settings.evaluationInterval, settings.evaluationBatches) = (41, 20, 1)
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
    #expect(part.log.count == 2 && part.notices == whole.notices)
    let rest = try run("part", from: .checkpoint(folder + "/part"))
    #expect(rest.log == whole.log)
    #expect(rest.log.last?.contains("expert_load") == true)
    #expect(rest.log.last?.contains("gradient_norm") == true)
    #expect(rest.notices == [], "it was said before")
  }
}
