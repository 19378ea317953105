import Driver
import Foundation
import Search
import SystemFiles
import Toolchain

/// Makes trials as anybody could by hand: `moec compile --set …`, then `moec run --train` in a process of its
/// own, whose log is read as it grows.
struct TrialTraining: TrialMaker {
  let models: TrialModels
  let files: TrialFiles
  /// Names of the model's settings: what else a trial has are options of training.
  let settings: Set<String>
  /// Options that all trials have.
  let words: [String]
  /// The study's folder of logs.
  let folder: String
  /// Of each trial.
  let steps: Int
  /// Threads of each; nil: as many as there are processors.
  let threads: Int?
  /// What a trial is tracked with, given its number.
  let tracking: @Sendable (Int) -> [String]
  let isInterrupted: @Sendable () -> Bool

  /// Words of `--set`, in order of their names.
  static func settings(_ values: TrialValues, _ names: Set<String>) -> [String] {
    values.filter { names.contains($0.key) }.sorted { $0.key < $1.key }
      .map { "\($0.key)=\($0.value)" }
  }

  /// Options of training, in order of their names.
  static func options(_ values: TrialValues, _ settings: Set<String>) -> [String] {
    values.filter { !settings.contains($0.key) }.sorted { $0.key < $1.key }
      .flatMap { ["--\($0.key)", "\($0.value)"] }
  }

  func log(of trial: Int) -> String { "\(folder)/\(trial).jsonl" }

  func cost(of values: TrialValues) throws -> TrialCost {
    try models[Self.settings(values, settings)].cost()
  }

  func prepare(_ values: TrialValues) throws -> Double {
    try models[Self.settings(values, settings)].build().seconds
  }

  func make(_ trial: Trial, report: (Trial.Report) throws -> Bool) throws -> MadeTrial {
    let built = try models[Self.settings(trial.values, settings)].build()
    try files.check()
    let start = ContinuousClock.now
    let errors = "\(folder)/\(trial.number).txt"
    let process = try started(trial, built.path, errors: errors)
    defer { process.end() }
    var log = LogReader(log(of: trial.number))
    var isEnded = false
    var isStopped = false
    var printed: String?
    while !isEnded, !isStopped {
      let reading = process.read(seconds: 0.05)
      isEnded = reading == .end
      if case .line(let text) = reading { printed = text }
      for line in log.newLines() where !isStopped {
        isStopped = try !report(.init(step: line.step, loss: line.loss))
      }
      isStopped = isStopped || isInterrupted()
    }
    var made = MadeTrial(isWhole: false, steps: log.last?.step ?? 0)
    made.bits = log.best?.bits
    if isStopped {
      if !tracking(trial.number).isEmpty { Self.endTracked(process) }
      process.end()
      unlink(errors)
    } else {
      let status = process.wait()
      guard status == 0 else { throw TrialFailure(Self.reason(status, errors)) }
      try check(log, printed, of: trial.number)
      (made.isWhole, made.steps) = (true, steps)
      unlink(errors)
    }
    made.seconds = (ContinuousClock.now - start) / .seconds(1)
    return made
  }

  /// Trackers are to hear that a run is over.
  private static func endTracked(_ process: Companion) {
    process.interrupt()
    let end = ContinuousClock.now + .seconds(30)
    while process.read(seconds: 0.1) != .end, ContinuousClock.now < end {}
  }

  /// A log that the disk had no room for, or that somebody else wrote, says less than training did, which
  /// ends with its lowest loss. Errors: it is so; the trial is left for another time.
  private func check(_ log: LogReader, _ printed: String?, of trial: Int) throws {
    let known = log.best.map { String(format: "val_loss=%.4f", $0.loss) }
    guard let printed, printed != known else { return }
    throw SearchError(
      "\(onOneLine(self.log(of: trial))) is not whole: training ended with \(printed)",
      hint: "see whether there is room on the disk; the same command goes on")
  }

  private func started(_ trial: Trial, _ library: String, errors: String) throws -> Companion {
    let log = log(of: trial.number)
    // What another worker left of it is no part of this.
    unlink(log)
    let file = open(errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw FileError(operation: "write", path: errors, code: errno) }
    defer { close(file) }
    var words = ["run", library, "--train", "--quiet", "--steps", "\(steps)", "--log", log]
    words += ["--overwrite", "--result-line"] + self.words + Self.options(trial.values, settings)
    if let threads { words += ["--threads", "\(threads)"] }
    words += tracking(trial.number)
    do {
      return try Companion(ModelModules.ownExecutable, words, errors: file)
    } catch {
      throw CompilationError(error.description)
    }
  }

  /// What the process said of its failure.
  private static func reason(_ status: Int32, _ errors: String) -> String {
    let text = (try? WholeFile.bytes(of: errors)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("error: ") }
    if let line { return onOneLine(String(line.dropFirst("error: ".count))) }
    return status > 128
      ? "training was ended by signal \(status - 128)" : "training ended with \(status)"
  }
}

/// Reads a training log as it grows.
struct LogReader {
  struct Line {
    var step: Int
    var loss: Double
    var bits: Double?
    var loads: [[Double]]?
  }

  private let path: String
  private var offset = 0
  private(set) var last: Line?
  /// The one with the lowest loss.
  private(set) var best: Line?

  init(_ path: String) { self.path = path }

  private struct Entry: Decodable {
    var step: Int
    var val_loss: Double
    var val_bits_per_character: Double?
    var expert_load: [[Double]]?
  }

  /// Whole lines since this was asked last; what is no line of a log is passed over.
  mutating func newLines() -> [Line] {
    guard let file = try? InputFile(path: path), file.size > offset,
      let bytes = try? file.bytes(offset..<file.size),
      let end = bytes.lastIndex(of: UInt8(ascii: "\n"))
    else { return [] }
    offset += end + 1
    let decoder = JSONDecoder()
    let lines = bytes[..<end].split(separator: UInt8(ascii: "\n")).compactMap { text -> Line? in
      guard MarkRuns.excessive(in: text) == nil,
        let entry = try? decoder.decode(Entry.self, from: Data(text)), entry.val_loss.isFinite
      else { return nil }
      return Line(
        step: entry.step, loss: entry.val_loss, bits: entry.val_bits_per_character,
        loads: entry.expert_load)
    }
    for line in lines {
      last = line
      if line.loss < best?.loss ?? .infinity { best = line }
    }
    return lines
  }
}
