import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

/// Runs whose routes are recorded and replayed.
@Suite struct RouteTapeTests {
  private func train(
    _ library: String, steps: Int = 5, seed: UInt64 = 1, record: String? = nil,
    replay: String? = nil, accumulation: Int = 1, from start: Session.Parameters = .initialized,
    save: String? = nil
  ) throws -> UInt64 {
    let session = try sampleSession(seed: seed, library: library, parameters: start)
    var settings = TrainingSettings()
    (settings.steps, settings.evaluationInterval, settings.evaluationBatches) = (steps, 3, 1)
    settings.accumulation = accumulation
    var files = TrainingFiles()
    (files.record, files.replay, files.save) = (record, replay, save)
    try session.train(settings, files: files) { _ in }
    return try session.fingerprint()
  }

  @Test(arguments: [1, 3])
  func replayedStepsEndInTheSameBits(accumulation: Int) throws {
    let file = try ModelFixture.folder() + "/r.bin"
    let library = try ModelFixture.routed()
    let plain = try train(library, accumulation: accumulation)
    #expect(try train(library, record: file, accumulation: accumulation) == plain)
    #expect(try train(library, replay: file, accumulation: accumulation) == plain)
    // The same weights choose otherwise here, unless they are told.
    let lopsided = try ModelFixture.lopsided()
    #expect(try train(lopsided, accumulation: accumulation) != plain)
    #expect(try train(lopsided, replay: file, accumulation: accumulation) == plain)
  }

  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test func aReplayCanBeRecordedAgain() throws {
    let folder = try ModelFixture.folder()
    let (a, b) = (folder + "/a.bin", folder + "/b.bin")
    _ = try train(ModelFixture.routed(), record: a)
    _ = try train(ModelFixture.lopsided(), record: b, replay: a)
    #expect(try bytes(a) == bytes(b))
    // In place: the old one is read to its end.
    _ = try train(ModelFixture.lopsided(), record: a, replay: a)
    #expect(try bytes(a) == bytes(b))
  }

  @Test func otherWeightsTakeTheRoutesToo() throws {
    let file = try ModelFixture.folder() + "/r.bin"
    let library = try ModelFixture.routed()
    let own = try train(library, seed: 2)
    _ = try train(library, seed: 1, record: file)
    #expect(try train(library, seed: 2, replay: file) != own)
  }

  @Test func aResumedRunReplaysItsPart() throws {
    let folder = try ModelFixture.folder()
    let library = try ModelFixture.lopsided()
    _ = try train(ModelFixture.routed(), steps: 8, record: folder + "/r.bin")
    let whole = try train(library, steps: 8, replay: folder + "/r.bin")
    _ = try train(library, steps: 4, replay: folder + "/r.bin", save: folder + "/s")
    let rest = try train(
      library, steps: 8, replay: folder + "/r.bin", from: .checkpoint(folder + "/s"))
    #expect(rest == whole)
    #expect(throws: RouteFileError.self) {
      try train(library, steps: 9, replay: folder + "/r.bin", from: .checkpoint(folder + "/s"))
    }
  }

  @Test func anInterruptedRunKeepsWhatItRecorded() throws {
    let file = try ModelFixture.folder() + "/r.bin"
    let session = try sampleSession(library: ModelFixture.routed())
    var settings = TrainingSettings()
    (settings.steps, settings.evaluationInterval, settings.evaluationBatches) = (50, 100, 1)
    var files = TrainingFiles()
    files.record = file
    var batches = 0
    var listeners = TrainingListeners()
    listeners.isInterrupted = {
      batches += 1
      return batches == 2 + 7
    }
    try session.train(settings, files: files, listeners: listeners)
    #expect(try RouteReader(path: file).steps == 0..<7)
  }

  /// A run that is killed keeps what it recorded, and goes on with it as if nothing had been.
  @Test func aKilledRunLosesNoRoutes() throws {
    let folder = try ModelFixture.folder()
    let library = try ModelFixture.routed()
    let text = try fileWith(sampleText())
    let (file, whole) = (folder + "/r", folder + "/whole")
    let run = try StartedCommand(moec: [
      "run", library, "--train", "--data", text, "--steps", "1000000", "--eval-interval", "50",
      "--eval-batches", "1", "--threads", "1", "--save", folder + "/w", "--record", file,
    ])
    let manifest = try ModelLibrary(path: library).manifest
    func step() -> Int {
      let saved = try? Checkpoint(
        path: folder + "/w", contents: .training, manifest: manifest)
      return saved?.notes.step ?? 0
    }
    run.wait { step() >= 100 }
    run.send(SIGKILL)
    _ = try run.end()
    let start = step()
    #expect(try RouteReader(path: file, mayBeTorn: true).steps.upperBound >= start)
    let end = start + 7
    let common = ["run", library, "--train", "--data", text, "--eval-batches", "1"]
    let resumed = try Command.moec(
      common + ["--steps", "\(end)", "--resume", folder + "/w", "--save", folder + "/w"]
        + ["--record", file])
    #expect(resumed.status == 0, "\(resumed.errors)")
    let plain = try Command.moec(common + ["--steps", "\(end)", "--record", whole])
    #expect(plain.status == 0, "\(plain.errors)")
    #expect(try bytes(file) == bytes(whole))
    // One that ends before this run goes on is another run's.
    _ = try train(library, steps: 3, record: folder + "/short")
    let short = try Command.moec(
      common + ["--steps", "\(end + 9)", "--resume", folder + "/w", "--record", folder + "/short"])
    #expect(short.errors.contains("has steps 0 to 2, and this run goes on at step \(end)"))
  }

  @Test func whatCannotBeIsRefusedBeforeAnythingIsWritten() throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(sampleText())
    func fail(_ library: String, _ more: [String]) throws -> String {
      let result = try Command.moec(
        ["run", library, "--train", "--data", text, "--steps", "3", "--log", folder + "/l.jsonl"]
          + more)
      #expect(result.status == 1)
      #expect(!FileManager.default.fileExists(atPath: folder + "/l.jsonl"))
      return result.errors
    }
    let plain = try fail(ModelFixture.bigram(), ["--record", folder + "/r.bin"])
    #expect(plain.contains("error: bigram routes nothing"))
    #expect(plain.contains("hint: use a model with a mixture of experts"))
    let absent = try fail(ModelFixture.routed(), ["--replay", folder + "/absent"])
    #expect(absent.contains("error: cannot read") && absent.contains("absent"))
    let place = try fail(ModelFixture.routed(), ["--record", folder + "/absent/r.bin"])
    #expect(place.contains("make the folder first"))
    let other = try fail(ModelFixture.routed(), ["--replay", text])
    #expect(other.contains("is no sound recording of routes: it does not begin as one"))
    for option in ["--record", "--replay"] {
      let usage = try Command.moec(
        ["run", try ModelFixture.routed(), "--evaluate", option, "r.bin"])
      #expect(usage.status == 64 && usage.errors.contains("\(option) has no meaning"))
    }
  }
}
