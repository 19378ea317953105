import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

/// What a run leaves is not lost by giving the same command again, or to a second run beside it.
@Suite(.serialized) struct EarlierRunTests {
  private let folder = Result { try ModelFixture.folder() }
  private let text = Result { try fileWith(sampleText()) }

  private func train(_ more: [String], steps: Int = 6, library: String? = nil) throws -> Command {
    try Command.moec(
      [
        "run", try library ?? ModelFixture.bigram(), "--train", "--data", text.get(), "--steps",
        "\(steps)", "--eval-interval", "2", "--eval-batches", "2", "--threads", "1",
      ] + more, in: folder.get())
  }

  private func contents() throws -> [String: Data] {
    let folder = try folder.get()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return Dictionary(
      uniqueKeysWithValues: try names.map {
        ($0, try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0)))
      })
  }

  /// Error, both ways out, and nothing is touched.
  private func expectRefusal(_ result: Command, _ names: String, _ before: [String: Data]) throws {
    #expect(result.status == 1)
    let (verb, them) = names.contains(",") ? ("are", "them") : ("is", "it")
    #expect(
      result.errors.hasPrefix(
        "error: \(names) \(verb) there already, and this run would replace \(them)\nhint: "),
      "\(result.errors)")
    #expect(result.errors.contains("--overwrite"))
    #expect(try contents() == before)
  }

  @Test func hintsCanBeCopiedIntoAShell() throws {
    var files = TrainingFiles()
    files.save = try folder.get() + "/it's é.safetensors"
    #expect(try train(["--save", "it's é.safetensors"]).status == 0)
    let error = #expect(throws: EarlierRun.self) { try EarlierRun.check(files, resumed: nil) }
    let quoted = try folder.get() + "/it'\\''s é.safetensors"
    #expect(error?.hint.hasPrefix("go on from there with --resume '\(quoted)', replace") == true)
    let demo = EarlierDemonstration(path: "a b/w", library: "a b/l.so")
    #expect(
      demo.hint.hasPrefix(
        "go on with: moec run 'a b/l.so' --train --resume 'a b/w' --save 'a b/w'; or"))
  }

  @Test func theSameCommandAgainTouchesNothing() throws {
    let files = ["--save", "w.safetensors", "--log", "l.jsonl", "--record", "r"]
    let library = try ModelFixture.routed()
    #expect(try train(files, library: library).status == 0)
    let before = try contents()
    #expect(before.count == 5)
    let again = try train(files, library: library)
    try expectRefusal(again, "w.safetensors, w.best.safetensors, l.jsonl, r", before)
    #expect(again.errors.contains("hint: go on from there with --resume w.safetensors"))
    // Each of them alone.
    try expectRefusal(train(["--save", "w.best.safetensors"]), "w.best.safetensors", before)
    try expectRefusal(train(["--log", "l.jsonl"]), "l.jsonl", before)
    try expectRefusal(train(["--record", "r"], library: library), "r", before)
    // Both ways out.
    let resumed = try train(files + ["--resume", "w.safetensors"], steps: 9, library: library)
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try RouteReader(path: folder.get() + "/r").steps == 0..<9)
    let replaced = try train(files + ["--overwrite"], library: library)
    #expect(replaced.status == 0, "\(replaced.errors)")
    #expect(try contents()["w.safetensors"] == before["w.safetensors"])
  }

  /// `--overwrite` is for what runs made.
  @Test(arguments: ["--save", "--log", "--record"])
  func whatIsNoRunsIsNeverReplaced(option: String) throws {
    let own = try folder.get() + "/model.swift"
    try "import MoE\n".write(toFile: own, atomically: true, encoding: .utf8)
    let result = try train([option, "model.swift", "--overwrite"])
    #expect(result.status == 1)
    #expect(
      result.errors.hasPrefix("error: model.swift is there already, and not a "),
      "\(result.errors)")
    #expect(try contents() == ["model.swift": Data("import MoE\n".utf8)])
  }

  @Test func goingOnDoesNotReplaceOtherRuns() throws {
    #expect(try train(["--save", "a", "--log", "a.jsonl"], steps: 12).status == 0)
    #expect(try train(["--save", "b"], steps: 4).status == 0)
    try Data("notes\n".utf8).write(to: URL(fileURLWithPath: folder.get() + "/notes"))
    let before = try contents()
    try expectRefusal(train(["--resume", "b", "--save", "a"]), "a, a.best", before)
    // Lines of steps that the resumed run has not seen, and what is no log at all.
    let other = try train(["--resume", "b", "--save", "b", "--log", "a.jsonl"])
    try expectRefusal(other, "a.jsonl", before)
    for more in [[], ["--overwrite"]] {
      let foreign = try train(["--resume", "b", "--save", "b", "--log", "notes"] + more)
      #expect(foreign.status == 1)
      #expect(
        foreign.errors.hasPrefix(
          "error: notes is there already, and not a training log: --log would replace it\n"),
        "\(foreign.errors)")
      #expect(try contents() == before)
    }
    let back = try train(["--resume", "a", "--save", "new", "--log", "a.jsonl"], steps: 14)
    #expect(back.status == 0, "\(back.errors)")
  }

  /// What was saved before the first step is no loss: a run that was killed there begins again.
  @Test func whatNobodyTrainedIsReplaced() throws {
    var settings = TrainingSettings()
    (settings.steps, settings.evaluationBatches) = (5, 1)
    try sampleSession().save(to: folder.get() + "/w", step: 0, settings)
    #expect(try train(["--save", "w"]).status == 0)
  }

  /// A run that goes on until it is killed; it has saved.
  private func start(_ more: [String]) throws -> StartedCommand {
    let folder = try folder.get()
    let run = try StartedCommand(
      moec: [
        "run", try ModelFixture.bigram(), "--train", "--data", try text.get(), "--steps",
        "1000000", "--eval-interval", "1000", "--eval-batches", "1", "--threads", "1",
      ] + more, in: folder)
    run.wait { FileManager.default.fileExists(atPath: folder + "/w") }
    return run
  }

  @Test func aSecondRunIsRefusedWhileTheFirstLives() throws {
    let first = try start(["--save", "w", "--log", "l"])
    for more in [["--save", "w"], ["--log", "l"], ["--save", "x", "--log", "l"]] {
      let second = try train(more + ["--overwrite"])
      #expect(second.status == 1)
      #expect(
        second.errors.contains(
          "is being written by another run, process \(first.identifier)"),
        "\(second.errors)")
    }
    let resumed = try train(["--resume", "w", "--save", "w"])
    #expect(resumed.status == 1 && resumed.errors.contains("is being written by another run"))
    #expect(try !FileManager.default.fileExists(atPath: folder.get() + "/x"))
    first.send(SIGKILL)
    _ = try first.end()
    // What a killed run leaves of its lock holds nobody up, and is gone afterwards.
    let manifest = try ModelLibrary(path: ModelFixture.bigram()).manifest
    let step = try Checkpoint(
      path: folder.get() + "/w", contents: .training, manifest: manifest
    ).notes.step
    let after = try train(["--resume", "w", "--save", "w", "--log", "l"], steps: step + 2)
    #expect(after.status == 0, "\(after.errors)")
    // A run that is killed while it saves leaves a file that others remove when it is five seconds old.
    let names = try contents().keys.filter { !$0.hasSuffix(".tmp") }.sorted()
    #expect(names == ["l", "l.settings.json", "w", "w.best"], "\(names)")
  }
}
