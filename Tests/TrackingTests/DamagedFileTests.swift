import Foundation
import ModelFixtures
import Testing

@testable import Tracking

/// Journals that were left are read or refused, soon.
@Suite struct DamagedFileTests {
  @Test func journals() throws {
    let entries: [MLflowJournal.Entry] = [
      .begin(
        MLflowRun(
          server: "http://localhost:1", experiment: "e", name: "n", time: 5, tags: ["a": "b"],
          identifier: "i")),
      .batch(MLflowBatch(metrics: [.init(key: "loss", value: .nan, time: 6, step: 7)])),
      .file(path: "/tmp/a", name: "a"), .content(Data([1, 2, 3]), name: "c"),
      .sent(count: 2, run: "r"), .end(.finished, time: 9),
    ]
    let lines = try entries.map { try JSONEncoder.journal.encode($0) + [0x0a] }
    let path = try ModelFixture.folder() + "/journal.jsonl"
    let outcome = Damaged([Array(lines.joined())], count: 300).read { bytes in
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let journal = try MLflowJournal(leftAt: path)
      let found = journal.entries(from: 0).entries
      _ = MLflowSender.merged(found)
      if found.isEmpty { throw MLflowError.notAJournal(path: path) }
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  @Test func whatIsNoFileIsNoJournal() throws {
    let pipe = try ModelFixture.folder() + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(throws: MLflowError.notAJournal(path: pipe)) { try MLflowJournal(leftAt: pipe) }
    #expect(throws: MLflowError.self) { try MLflowJournal(leftAt: "/dev/null") }
  }
}
