import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import Testing
import Words

@testable import Runner

/// Runs that are killed, interrupted and gone on with.
@Suite(.serialized) struct ResumeTests {
  /// Starts `moec`, sends it a signal a while after a file is there, and waits for its end.
  private func run(
    _ arguments: [String], signal: Int32, after seconds: Double, since file: String? = nil,
    then second: Int32? = nil
  ) throws -> Command {
    let run = try StartedCommand(moec: ["run", try ModelFixture.bigram(), "--train"] + arguments)
    if let file { run.wait { FileManager.default.fileExists(atPath: file) } }
    Thread.sleep(forTimeInterval: seconds)
    run.send(signal)
    if let second {
      Thread.sleep(forTimeInterval: 0.02)
      run.send(second)
    }
    return try run.end()
  }

  /// Swift's runtime would take it for a crash.
  @Test func ctrlBackslashSavesToo() throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(sampleText())
    let file = folder + "/w.safetensors"
    let result = try run(
      options(text, folder + "/w", steps: 1_000_000), signal: SIGQUIT, after: 0.1, since: file)
    #expect(result.status == 128 + SIGQUIT && !result.isKilled, "\(result.errors)")
    #expect(result.errors.contains("go on with: "), "\(result.errors)")
  }

  private func options(_ text: String, _ name: String, steps: Int = 4000) -> [String] {
    [
      "--data", text, "--steps", "\(steps)", "--eval-interval", "50", "--eval-batches", "2",
      "--threads", "1", "--save", name + ".safetensors", "--log", name + ".jsonl",
      "--schedule", "cosine", "--warmup", "10", "--patience", "100000", "--clip", "0.5",
    ]
  }

  /// Lines of a log without the seconds, which are another run's.
  private func steps(_ path: String) throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
      String(line.replacing(/"seconds":[0-9.]+,/, with: ""))
    }
  }

  /// A killed run that never saved begins again, as a person would.
  @Test func endsInTheSameBitsWhateverKillsIt() throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(sampleText())
    let whole = try run(options(text, folder + "/whole"), signal: 0, after: 0)
    #expect(whole.status == 0, "\(whole.errors)")
    let part = folder + "/part"
    var kills = 0
    while true {
      let isThere = FileManager.default.fileExists(atPath: part + ".safetensors")
      let resume = isThere ? ["--resume", part + ".safetensors"] : []
      let delay = kills < 6 ? Double.random(in: 0.02...0.8) : 60
      let result = try run(
        options(text, part) + resume, signal: kills < 6 ? SIGKILL : 0,
        after: kills < 6 ? delay : 0)
      guard result.isKilled else {
        #expect(result.status == 0 || result.errors.contains("nothing is left to train"))
        break
      }
      kills += 1
    }
    for ending in [".safetensors", ".best.safetensors"] {
      let files = try ["/whole", "/part"].map {
        try Data(contentsOf: URL(fileURLWithPath: folder + $0 + ending))
      }
      #expect(files[0] == files[1], "\(ending) after \(kills) kills")
    }
    #expect(try steps(folder + "/whole.jsonl") == steps(part + ".jsonl"))
  }

  /// A person's and the system's requests, and the warnings of batch systems.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU])
  func stopsSavesAndSaysHowToGoOn(_ signal: Int32) throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(sampleText())
    let name = folder + "/it's"
    let steps = 100_000_000  // more than any machine makes before it is asked to stop
    let stopped = try run(
      options(text, name, steps: steps), signal: signal, after: 0.1,
      since: name + ".safetensors")
    #expect(stopped.status == 128 + signal)
    #expect(!stopped.isKilled)
    let manifest = try ModelLibrary(path: ModelFixture.bigram()).manifest
    let notes = try Checkpoint(
      path: name + ".safetensors", contents: .training, manifest: manifest
    ).notes
    #expect(notes.step > 0 && notes.step < steps)
    #expect(
      stopped.errors.contains(
        "stopped at step \(notes.step.grouped) of 100,000,000, saved in \(name)"))
    // By whatever words moec is called here.
    let line = try #require(stopped.errors.split(separator: "go on with: ").last)
    let rest = try #require(line.split(separator: "moec run ", maxSplits: 1).last)
    let command = try #require(rest.split(separator: "\n").first)
    let more = try Command.shell(
      "exec \"$0\" run \(command) --steps \(notes.step + 60)")
    #expect(more.status == 0, "\(more.errors)")
    #expect(more.errors.contains("trained \((notes.step + 60).grouped) steps"))
  }

  /// Whatever mask moec inherits, as from a program that blocks signals in the thread that starts it.
  @Test func blockedSignalsAreHeardAllTheSame() throws {
    let text = try fileWith(sampleText())
    let script = """
      import os, signal, subprocess, sys, time
      signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
      run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
      run.stdout.readline()
      run.send_signal(signal.SIGTERM)
      sys.exit(0 if run.wait(60) == 128 + signal.SIGTERM else 1)
      """
    let result = try Command.shell(
      "command -v python3 > /dev/null || exit 0; exec python3 -c \"$1\" \"$0\" run \"$2\" --train "
        + "--data \"$3\" --steps 100000000 --eval-batches 1 --no-save",
      [script, try ModelFixture.bigram(), text])
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test func aSecondInterruptLeavesAtOnce() throws {
    let folder = try ModelFixture.folder() + "/events"
    let text = try fileWith(sampleText())
    let arguments = [
      "--data", text, "--threads", "1", "--eval-batches", "1000000", "--steps", "1000000",
      "--tensorboard", folder,
    ]
    let result = try run(arguments, signal: SIGINT, after: 0.1, since: folder, then: SIGINT)
    #expect(result.status == 128 + SIGINT)
  }

  /// The limit on processor time is signalled every second, and a batch system's warning is followed
  /// by a request.
  @Test func aWarningThatComesAgainDoesNotStopTheSaving() throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(sampleText())
    for (first, second) in [(SIGXCPU, SIGXCPU), (SIGUSR1, SIGTERM)] {
      let name = folder + "/\(second)"
      let result = try run(
        options(text, name, steps: 1_000_000), signal: first, after: 0.1,
        since: name + ".safetensors", then: second)
      #expect(!result.isKilled)
      #expect(result.errors.contains("saved in"), "\(result.errors)")
    }
  }

  /// A run that is killed after it saved and before it logged makes up for the line.
  @Test func theLogLacksNoLineOfWhatWasSaved() throws {
    let folder = try ModelFixture.folder()
    var files = TrainingFiles()
    (files.save, files.log) = (folder + "/w", folder + "/l")
    var settings = TrainingSettings()
    (settings.steps, settings.evaluationInterval, settings.evaluationBatches) = (9, 4, 1)
    settings.clip = 0.5
    try sampleSession(library: ModelFixture.routed()).train(settings, files: files) { _ in }
    let whole = try steps(folder + "/l")
    #expect(whole.count == 3)
    try (whole.dropLast().joined(separator: "\n") + "\n")
      .replacing("\"tokens\"", with: "\"seconds\":1.000,\"tokens\"")
      .write(toFile: folder + "/l", atomically: true, encoding: .utf8)
    settings.steps = 10
    try sampleSession(library: ModelFixture.routed(), parameters: .checkpoint(folder + "/w"))
      .train(settings, files: files) { _ in }
    #expect(try steps(folder + "/l").prefix(3) == whole[...])
  }

  @Test func noticesAnotherText() throws {
    let folder = try ModelFixture.folder()
    var files = TrainingFiles()
    files.save = folder + "/a"
    var settings = TrainingSettings()
    settings.steps = 2
    settings.evaluationBatches = 1
    try sampleSession().train(settings, files: files) { _ in }
    var options = Session.Options(library: try ModelFixture.bigram())
    options.data = try fileWith(sampleText() + "abc")
    options.parameters = .checkpoint(folder + "/a")
    let error = #expect(throws: TrainingError.self) { try Session(options) }
    #expect(error?.message.contains("is not the text that this run was trained on") == true)
    options.allowsOtherData = true
    #expect(try Session(options).step == 2)
    options.allowsOtherData = false
    options.parameters = .weights(folder + "/a")
    #expect(try Session(options).step == 2)
  }

  /// A resumed run has the settings, the best loss and the patience of the one before.
  @Test func goesOnWithItsSettings() throws {
    let folder = try ModelFixture.folder()
    var files = TrainingFiles()
    files.save = folder + "/a.b"
    #expect(files.best == folder + "/a.best.b")
    var settings = TrainingSettings()
    settings.steps = 30
    settings.evaluationInterval = 10
    settings.evaluationBatches = 3
    settings.schedule = .init(.linear, warmup: 3, final: 0.001)
    settings.learningRate = 0.02
    settings.clip = 0.5
    settings.accumulation = 2
    settings.noDecay = ["token"]
    try sampleSession().train(settings, files: files) { _ in }
    let session = try sampleSession(parameters: .checkpoint(folder + "/a.b"))
    #expect(session.usualSettings == settings)
    #expect(session.record?.progress.last?.step == 29)
    let best = try Checkpoint(
      path: folder + "/a.best.b", contents: .training, manifest: session.model.manifest)
    #expect(session.record?.progress.best?.step == best.notes.step)
  }

  @Test(
    arguments: [
      ("w", "w.best"), ("a/w", "a/w.best"), ("w.st", "w.best.st"), ("./.w", "./.w.best"),
      ("/a.b/w", "/a.b/w.best"), ("../a.b.st", "../a.b.best.st"),
    ])
  func namesTheBestBeside(save: String, best: String) {
    var files = TrainingFiles()
    files.save = save
    #expect(files.best == best)
  }

  @Test func refusesARecordThatCannotBeRead() throws {
    let path = try ModelFixture.folder() + "/a"
    let session = try sampleSession()
    let notes = CheckpointNotes(
      model: "bigram", vocabulary: [], step: 1, run: "{}")
    try Checkpoint.save(session.model, notes, to: path)
    let error = #expect(throws: SafetensorsError.self) {
      try sampleSession(parameters: .checkpoint(path))
    }
    #expect(error?.problems == [.badNote(key: "run", reason: "cannot be read")])
  }
}
