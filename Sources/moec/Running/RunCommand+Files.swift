import Foundation
import Runner
import SystemFiles

extension RunCommand {
  /// What training reads and writes.
  var trainingFiles: TrainingFiles {
    var files = TrainingFiles()
    files.save = training.save
    files.log = training.log
    files.record = training.record
    files.replay = training.replay
    files.overwrites = training.overwrite
    // A run that goes on may have averaged before.
    files.averages = (training.ema ?? 0) != 0 || training.resume != nil
    return files
  }

  /// All files that this command touches.
  func claims(_ files: TrainingFiles = TrainingFiles()) -> FileClaims {
    var claims = FileClaims()
    claims.read(library, "the library")
    for path in dataFiles { claims.read(path, "--data") }
    claims.read(tokenizer, "--tokenizer")
    claims.read(conversations.validation, "--validation")
    claims.read(conversations.template, "--template")
    claims.read(weights, "--weights")
    claims.read(files.replay, "--replay")
    // A run may save where it goes on from.
    let saved = [files.save, files.best].compactMap { $0.flatMap(FilePlace.init) }
    if let resume = training.resume, !saved.contains(where: { $0 == FilePlace(resume) }) {
      claims.read(resume, "--resume")
    }
    claims.write(files.save, "--save", over: .safetensors)
    claims.write(files.best, "the best of --save", over: .safetensors)
    claims.write(files.average, "the average of --save", over: .safetensors)
    claims.write(files.log, "--log", over: .trainingLog)
    claims.write(files.record, "--record", over: .routes)
    claims.write(routes.html, "--html", over: .page)
    claims.read(choice.choices, "--choices")
    claims.write(choice.output, "--output", over: .choiceScores)
    return claims
  }

  /// The text, or what is in a folder of shards.
  var dataFiles: [String] {
    let path = data ?? Corpus.usual ?? Corpus.usualPath
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
    else { return [path] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.sorted().map { path + "/" + $0 }.filter {
      $0.hasSuffix(".tokens") || $0.hasSuffix("/tokenizer.json")
    }
  }

  /// Keeps other runs from writing the same files. Errors: one does already.
  func lock(_ files: TrainingFiles) throws(FileLockError) -> [FileLock] {
    var locks: [FileLock] = []
    for path in [files.save, files.best, files.average, files.log, files.record] {
      if let path, let lock = try FileLock(path) { locks.append(lock) }
    }
    return locks
  }
}
