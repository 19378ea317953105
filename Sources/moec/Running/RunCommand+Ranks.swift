import Foundation
import ModelRuntime
import Ranks
import Runner
import SystemFiles

extension RunCommand {
  /// Runs a task as one process, as `--ranks` threads of it, or as the rank that a launcher made of it.
  func inRanks(_ body: @escaping @Sendable (RunCommand, Ranks) throws -> Void) throws {
    guard let count = ranks, count > 1 else { return try body(self, .alone) }
    let command = forRanks(count)
    _ = try Ranks.threads(count) { try body($0.isFirst ? command : command.silent, $0) }
  }

  /// Ranks of one machine share its processors.
  private func forRanks(_ count: Int) -> RunCommand {
    var command = self
    command.threads = threads ?? max(1, Processors.current.usualThreads / count)
    return command
  }

  private var silent: RunCommand {
    var command = self
    command.quiet = true
    return command
  }
}
