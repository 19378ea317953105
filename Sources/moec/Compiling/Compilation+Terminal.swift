import Driver
import Foundation
import SystemFiles
import Toolchain

extension Compilation {
  /// The compilation that a command makes: what it has to say goes to standard error, and there is
  /// said what is being waited for.
  static func onTerminal(_ model: String) -> Compilation {
    var compilation = Compilation(model: model)
    compilation.write = { text in
      try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
    compilation.supervise = { what, limit in .onTerminal(what, limit: limit) }
    return compilation
  }
}

extension StageLog {
  /// A line for each stage, on standard error.
  static func onTerminal() -> StageLog {
    // What is being waited for stands in this line on a terminal; see `Supervision.onTerminal`.
    let start = Terminal.canRewrite(STDERR_FILENO) ? "\r\u{1b}[K" : ""
    return StageLog(columns: { Terminal.columns(STDERR_FILENO) }) {
      printToStandardError(start + $0)
    }
  }
}
