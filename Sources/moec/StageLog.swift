import Foundation
import SystemFiles
import Toolchain

/// Tells a person what a compilation does: a line for each stage when it is done, with its seconds.
///
/// Lines come from whichever thread finished a stage, each whole.
final class StageLog: @unchecked Sendable {
  private let isQuiet: Bool
  private let lock = NSLock()
  private var kept = 0

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  /// For commands that have other things to say.
  static let silent = StageLog(isQuiet: true)

  /// Runs a stage; `what` says what came of it.
  func stage<Result>(
    _ name: String, _ what: (Result) -> String, _ work: () throws -> Result
  ) rethrows -> Result {
    let start = ContinuousClock.now
    let result = try work()
    if !isQuiet { say(name, what(result), (ContinuousClock.now - start) / .seconds(1)) }
    return result
  }

  /// What became of a source of the C. Those that are as compiled before are counted.
  func add(_ step: CompileStep) {
    switch step {
    case .compiled(let source, let seconds): say("compiled", source, seconds)
    case .kept: lock.withLock { kept += 1 }
    case .linked(let seconds):
      let kept = lock.withLock { self.kept }
      if kept > 0 { say("kept", "\(kept) \(kept == 1 ? "file" : "files") as compiled before") }
      say("linked", "", seconds)
    case .keptLibrary: say("kept", "the library as compiled before")
    }
  }

  func say(_ name: String, _ what: String, _ seconds: Double? = nil) {
    if isQuiet { return }
    let line = Self.line(name, what, seconds, columns: Terminal.columns(STDERR_FILENO))
    // What is being waited for stands in this line on a terminal; see `Supervision.onTerminal`.
    let start = Terminal.canRewrite(STDERR_FILENO) ? "\r\u{1b}[K" : ""
    lock.withLock { printToStandardError(start + line) }
  }

  /// On a terminal, of `columns`, the beginning of what is too long for it is left out.
  static func line(_ name: String, _ what: String, _ seconds: Double?, columns: Int?) -> String {
    let time = seconds.map { String(format: "%7.2f s", $0) } ?? ""
    let room = columns.map { max(4, $0 - 10 - time.count) } ?? .max
    let shown = what.count > room ? "…" + what.suffix(room - 1) : what
    return padded(name, 10) + (time.isEmpty ? shown : padded(shown, min(50, room)) + time)
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
