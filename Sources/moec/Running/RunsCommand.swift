import ArgumentParser
import Charts
import Driver
import Foundation
import Runner
import SystemFiles
import Words

/// `moec runs [FOLDER]`.
struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "Lists training runs with their best losses, the best first.",
    discussion: """
      EXAMPLES
        moec runs
        moec runs experiments --json
        moec plot runs/*/log.jsonl -o runs.html
      """)

  @ArgumentParser.Argument(
    help: "The folder of the runs. (default: $MOEC_RUNS, or runs)", completion: .directory)
  var folder: String?

  @Flag(help: "Print everything as JSON.")
  var json = false

  func run() throws {
    try reportingErrors {
      let root = folder ?? RunFolder.root
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder), isFolder.boolValue
      else {
        throw CompilationError(
          message: access(root, F_OK) == 0 ? "\(root) is a file" : "there is no folder \(root)",
          hint: "moec run LIB.so --train makes one for its run; name another with moec runs FOLDER")
      }
      let runs = RunFolder.all(in: root).map(RunSummary.init).sorted { $0.precedes($1) }
      if json { return try printNow(try RunSummary.json(runs)) }
      if runs.isEmpty { return printToStandardError("there are no runs in \(root)") }
      try printTable(RunSummary.table(runs))
      for problem in runs.compactMap(\.problem) { printToStandardError("note: \(problem)") }
    }
  }
}

/// What is known of a run from its log and its settings.
struct RunSummary: Encodable {
  var run: String
  var model: String?
  /// Steps in all, and the last that was evaluated.
  var steps: Int?
  var step: Int?
  var bestValidationLoss: Double?
  var bestStep: Int?
  var validationLoss: Double?
  /// That of averaged weights, where they are kept.
  var averageLoss: Double?
  var trainLoss: Double?
  var data: String?
  /// What is wrong with its log.
  var problem: String?
  /// Whether a process writes its weights just now.
  var isRunning: Bool

  init(_ folder: RunFolder) {
    run = folder.path
    if let settings = Self.settings(folder.settings) {
      if case .integer(let count) = settings["steps"] { steps = count }
      if case .text(let path) = settings["data"] { data = path }
      if case .object(let facts) = settings["model"], case .text(let name) = facts["model"] {
        model = name
      }
    }
    isRunning = Self.isLocked(folder.weights)
    guard let history = readLog(folder.log) else { return }
    let finite = history.records.filter { $0.validationLoss.isFinite }
    let best = finite.min { $0.validationLoss < $1.validationLoss }
    (bestValidationLoss, bestStep) = (best?.validationLoss, best?.step)
    let last = history.records.last
    (step, trainLoss, validationLoss) = (last?.step, last?.trainLoss, last?.validationLoss)
    averageLoss = last?.averageLoss
  }

  /// Nil for a run that has logged nothing yet, and for one whose log cannot be understood.
  private mutating func readLog(_ path: String) -> TrainingHistory? {
    guard access(path, F_OK) == 0 else { return nil }
    do {
      let bytes = try WholeFile.bytes(of: path)
      if bytes.isEmpty { return nil }
      return try TrainingHistory(label: run, path: path, data: Data(bytes))
    } catch let error as any ExplainedError {
      problem = onOneLine(error.message)
    } catch let error as ChartError {
      problem = onOneLine(error.message)
    } catch {
      problem = "\(path) cannot be read"
    }
    return nil
  }

  private static func settings(_ path: String) -> [String: ConfigValue]? {
    guard let bytes = try? WholeFile.bytes(of: path) else { return nil }
    return try? JSONDecoder().decode([String: ConfigValue].self, from: Data(bytes))
  }

  private static func isLocked(_ path: String) -> Bool {
    do throws(FileLockError) {
      try FileLock(path)?.release()
      return false
    } catch { return true }
  }

  /// Lowest best loss first; runs without one last, by name.
  func precedes(_ other: RunSummary) -> Bool {
    switch (bestValidationLoss, other.bestValidationLoss) {
    case (let own?, let its?): own == its ? run < other.run : own < its
    case (_?, nil): true
    case (nil, _?): false
    case (nil, nil): run < other.run
    }
  }

  static func json(_ runs: [RunSummary]) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(runs), as: UTF8.self) + "\n"
  }

  /// Columns with a line above that names them.
  static func table(_ runs: [RunSummary]) -> String {
    let averages = runs.contains { $0.averageLoss != nil }
    let head = ["run", "best val", "at step", "val", "train", "step", "of"]
    return Columns.text(
      [head + (averages ? ["val of average"] : [])] + runs.map { $0.cells(averages: averages) })
      + "\n"
  }

  private func cells(averages: Bool) -> [String] {
    func loss(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "-" }
    func count(_ value: Int?) -> String { value.map(\.grouped) ?? "-" }
    return [
      onOneLine(run) + (isRunning ? " (running)" : ""), loss(bestValidationLoss), count(bestStep),
      loss(validationLoss), loss(trainLoss), count(step), count(steps),
    ] + (averages ? [loss(averageLoss)] : [])
  }
}
