import ArgumentParser
import Foundation
import SystemFiles
import Toolchain

/// How long programs may take that a command starts.
struct TimeLimit: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      End the programs that moec starts, such as the model's own or a compiler, when one takes \
      longer. (default: \(Int(Supervision.modelLimit)) for the model's own, none for others)
      """, valueName: "seconds"))
  var timeLimit: Double?

  func validate() throws {
    if let timeLimit, !(timeLimit > 0 && timeLimit <= 1e9) {
      throw ValidationError("--time-limit must be a number of seconds above 0, not \(timeLimit)")
    }
  }
}

extension Supervision {
  /// A model describes its graph in milliseconds; one that takes so long has lost its way.
  static let modelLimit = 600.0

  /// Says on a terminal what is being waited for, on a line that goes away again.
  static func onTerminal(_ what: String, limit: Double? = nil) -> Supervision {
    guard Terminal.canRewrite(STDERR_FILENO) else { return Supervision(limit: limit) }
    return Supervision(limit: limit) { seconds in
      // A line that goes on in the next would stay; Ctrl-C shows two more characters.
      let room = max(0, (Terminal.columns(STDERR_FILENO) ?? 80) - 3)
      let end = seconds.map { ": \($0) s, Ctrl-C ends it" } ?? ""
      let text = seconds == nil ? "" : (what.prefix(max(0, room - end.count)) + end).prefix(room)
      try? FileHandle.standardError.write(contentsOf: Data("\r\u{1b}[K\(text)".utf8))
    }
  }
}
