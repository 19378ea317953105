import Foundation
import Toolchain

/// Tells a person what a compilation does: a line for each stage when it is done, with its seconds.
///
/// Lines come from whichever thread finished a stage, each whole.
public final class StageLog: @unchecked Sendable {
  private let print: ((String) -> Void)?
  private let columns: () -> Int?
  private let lock = NSLock()
  private var kept = 0

  /// `print` gets each line; nil: nobody wants to know. `columns` are those of a terminal.
  public init(columns: @escaping () -> Int? = { nil }, print: ((String) -> Void)?) {
    self.columns = columns
    self.print = print
  }

  /// For commands that have other things to say.
  public static let silent = StageLog(print: nil)

  /// Runs a stage; `what` says what came of it.
  public func stage<Result>(
    _ name: String, _ what: (Result) -> String, _ work: () throws -> Result
  ) rethrows -> Result {
    let start = ContinuousClock.now
    let result = try work()
    if print != nil { say(name, what(result), (ContinuousClock.now - start) / .seconds(1)) }
    return result
  }

  /// What became of a source of the C. Those that are as compiled before are counted.
  public func add(_ step: CompileStep) {
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

  public func say(_ name: String, _ what: String, _ seconds: Double? = nil) {
    guard let print else { return }
    let line = Self.line(name, what, seconds, columns: columns())
    lock.withLock { print(line) }
  }

  /// On a terminal, of `columns`, what is too long goes on below, and of a single word that is still
  /// too long, as a path may be, the beginning is left out.
  static func line(_ name: String, _ what: String, _ seconds: Double?, columns: Int?) -> String {
    let time = seconds.map { String(format: "%7.2f s", $0) } ?? ""
    let room = columns.map { max(4, $0 - 10 - time.count) } ?? .max
    let lines = pieces(of: what, room: room)
    let last = lines[lines.count - 1]
    let indent = filled("", 10)
    let start = filled(name, 10) + lines.dropLast().map { $0 + "\n" + indent }.joined()
    return start + (time.isEmpty ? last : filled(last, min(50, room)) + time)
  }

  /// Cut at spaces; one at least.
  private static func pieces(of text: String, room: Int) -> [String] {
    if text.count <= room { return [text] }
    var lines: [String] = []
    for word in text.split(separator: " ") {
      let shown = word.count > room ? "…" + word.suffix(room - 1) : String(word)
      if let last = lines.last, last.count + 1 + shown.count <= room {
        lines[lines.count - 1] += " " + shown
      } else {
        lines.append(shown)
      }
    }
    return lines.isEmpty ? [""] : lines
  }

  private static func filled(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
