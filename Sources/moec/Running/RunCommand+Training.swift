import ArgumentParser
import Chat
import Codegen
import Driver
import Foundation
import Ranks
import Runner
import SystemFiles
import Tracking
import Words

extension TrainingOutcome {
  fileprivate var status: TrackingStatus {
    switch self {
    case .finished, .outOfPatience: return .finished
    case .interrupted: return .killed
    }
  }
}

extension RunCommand {
  func train(_ ranks: Ranks) throws {
    guard ranks.isFirst else { return try follow(ranks) }
    try lead(ranks)
  }

  /// What the first rank does: it alone prints, logs, tracks and writes.
  private func lead(_ ranks: Ranks) throws {
    guard let folder = try runFolder() else { return try train(ranks, in: nil) }
    defer { folder.removeIfEmpty() }
    var command = self
    command.training.save = folder.weights
    command.training.log = folder.log
    try command.train(ranks, in: folder)
  }

  /// Whether the run keeps what it makes in a folder: no file is named, and something is kept.
  private var hasFolder: Bool {
    training.save == nil && training.log == nil && !training.noSave
  }

  /// That folder; nil if there is none.
  private func runFolder() throws -> RunFolder? {
    guard hasFolder else { return nil }
    if let run = training.run {
      let folder = RunFolder(named: run)
      try folder.make()
      return folder
    }
    if let resume = training.resume, let folder = RunFolder(holding: resume) { return folder }
    return try RunFolder.fresh(library: library)
  }

  /// What another rank does: the same steps, in silence.
  private func follow(_ ranks: Ranks) throws {
    let session = try open(options(ranks))
    var files = TrainingFiles()
    // Ranks give the first one their shares of what it saves: they must know whether it does.
    files.save = hasFolder ? "a file of the first rank's" : training.save
    files.record = training.record
    files.replay = training.replay
    var listeners = TrainingListeners()
    listeners.isInterrupted = { Interruption.signal != nil }
    listeners.showsProgress = false
    try session.train(try settings(of: session), files: files, listeners: listeners)
    // Where ranks share out the experts, the first one asks for all of them.
    if session.model.manifest.expertRanks > 1 { _ = try session.fingerprint() }
  }

  /// Those of `options`, for a session that trains.
  private func options(_ ranks: Ranks) -> Session.Options {
    var options = options
    options.ranks = ranks
    options.usualThreads = usualThreads(of: ranks)
    options.trains = true
    options.accumulation = training.accumulate
    return options
  }

  private func train(_ ranks: Ranks, in folder: RunFolder?) throws {
    Interruption.watch()
    let files = trainingFiles
    let settingsFile = folder?.settings ?? files.log.flatMap(RunSettings.path)
    var claims = claims(files)
    claims.write(settingsFile, "the settings of --log", over: .runSettings)
    claims.write(folder?.curve, "the curve", over: .drawing)
    try claims.check()
    let locks = try lock(files)
    defer { for lock in locks { lock.release() } }
    if !training.overwrite { try EarlierRun.check(files, resumed: training.resume) }
    let session = try open(options(ranks))
    let settings = try settings(of: session)
    tell(session.summary)
    if let epochs = training.epochs,
      let note = session.epochNote(epochs, accumulation: settings.accumulation)
    {
      tell(note)
    }
    if let note = settings.evaluationNote(of: session.model.manifest.work) { tell(note) }
    if settings.schedule.warmup >= settings.steps {
      tell(
        "note: the learning rate rises for \(settings.schedule.warmup.of("step")), and the run has "
          + settings.steps.grouped)
    }
    if let folder {
      tell("the run's weights, log, settings and curve are in \(onOneLine(folder.path))")
    }
    let output = PatientOutput()
    var listeners = TrainingListeners()
    listeners.begins = {
      if let settingsFile { keep(RunSettings(self, session, settings).text, in: settingsFile) }
      if let folder, let files = session.chatFiles { keepChat(files, in: folder) }
    }
    listeners.output = { output.printLine($0) }
    listeners.notice = { tell($0) }
    listeners.warning = { printToStandardError("note: \($0)") }
    listeners.isInterrupted = { Interruption.signal != nil }
    listeners.showsProgress = !quiet
    listeners.trackers = try trackers(session, settings)
    var best: Evaluation?
    listeners.progressed = { best = $0.best }
    let outcome: TrainingOutcome
    do {
      defer { if let folder { drawCurve(session, folder.curve) } }
      outcome = try session.train(settings, files: files, listeners: listeners)
    } catch {
      finish(listeners.trackers, .failed, session)
      folder?.removeUntrained()
      throw error
    }
    tell(try session.fingerprintLine(after: outcome.step))
    tell(end(outcome, of: settings, session))
    finish(listeners.trackers, outcome.status, session)
    if case .interrupted = outcome {
      // Of a signal to another rank it is only known that it came.
      throw ExitCode(128 + (Interruption.signal ?? SIGTERM))
    }
    if training.resultLine, let best { output.print(Self.result(best)) }
  }

  /// What other programs read: `name=value` lines, the loss last.
  private static func result(_ best: Evaluation) -> String {
    let bits = best.bitsPerCharacter.map {
      String(format: "val_bits_per_character=%.4f\n", $0.validation)
    }
    return (bits ?? "") + String(format: "val_loss=%.4f\n", best.validationLoss)
  }

  /// Puts what chats need beside a run's weights, if nothing is there yet.
  private func keepChat(_ files: ChatFiles, in folder: RunFolder) {
    for (source, copy) in [
      (files.template == nil ? nil : files.path, folder.template), (files.factsPath, folder.facts),
    ] {
      guard let source, access(copy, F_OK) != 0, let bytes = try? WholeFile.bytes(of: source)
      else { continue }
      keep(String(decoding: bytes, as: UTF8.self), in: copy)
    }
  }

  /// Writes a file that the run can do without.
  func keep(_ text: String, in path: String) {
    do {
      try AtomicFile.write(text, to: path)
    } catch {
      printToStandardError("note: \(error.message); the run goes on")
    }
  }

  /// How the run ended, and what can be done next.
  private func end(
    _ outcome: TrainingOutcome, of settings: TrainingSettings, _ session: Session
  ) -> String {
    let saved = training.save.map { ", saved in \($0)" } ?? ""
    switch outcome {
    case .finished(let step):
      return "trained \(step.grouped) steps\(saved)"
    case .outOfPatience(let step, let best):
      return "stopped at step \(step.grouped)\(saved): the lowest validation loss was that of step "
        + "\(best.step), \(best.line)"
    case .interrupted(let step):
      guard let save = training.save else {
        return
          "stopped at step \(step.grouped) of \(settings.steps.grouped); nothing was to be saved"
      }
      return "stopped at step \(step.grouped) of \(settings.steps.grouped)\(saved)\n"
        + "go on with: \(resumption(save, session))"
    }
  }

  /// The command that goes on; settings are in the file.
  private func resumption(_ save: String, _ session: Session) -> String {
    let isRun = RunFolder(holding: save).map { $0.log == training.log } ?? false
    var words = ["run", library, "--train", "--resume", save] + (isRun ? [] : ["--save", save])
    if let data { words += ["--data", data] }
    if let tokenizer { words += ["--tokenizer", tokenizer] }
    if let file = conversations.validation { words += ["--validation", file] }
    if let template = conversations.template { words += ["--template", template] }
    if let log = training.log, !isRun { words += ["--log", log] }
    if let record = training.record { words += ["--record", record] }
    if let replay = training.replay { words += ["--replay", replay] }
    if let ranks { words += ["--ranks", "\(ranks)"] }
    if let threads { words += ["--threads", "\(threads)"] }
    if let uri = tracking.mlflow { words += ["--mlflow", MLflowTracker.redacted(uri)] }
    if let folder = tracking.tensorboard { words += ["--tensorboard", folder] }
    let isLaunched = ranks == nil && session.ranks.count > 1
    let launcher = isLaunched ? ["mpirun", "-np", "\(session.ranks.count)"] : []
    return (launcher + [Invocation.moec()] + words.map(ShellWord.quoted)).joined(separator: " ")
  }
}
