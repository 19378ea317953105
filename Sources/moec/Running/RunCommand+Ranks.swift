import ArgumentParser
import Driver
import Foundation
import ModelRuntime
import Ranks
import Runner
import SystemFiles
import Words

extension RunCommand {
  /// Runs a task as one process, as `--ranks` threads of it, or as the rank that a launcher made of it.
  func inRanks(_ body: @escaping @Sendable (RunCommand, Ranks) throws -> Void) throws {
    let launched = try Ranks.launched()
    if launched.count > 1 { return try asLaunched(launched, body) }
    guard let count = ranks, count > 1 else { return try body(self, .alone) }
    try checkRoom(for: count)
    let (command, silent) = (self, silent)
    _ = try Ranks.threads(count) { try body($0.isFirst ? command : silent, $0) }
  }

  /// Refuses more ranks than there can be memory for where it is limited: what finds none in the midst of its work can
  /// only end. Each has a stack, the text and its tokens, beside its model, which says itself where it has no room.
  private func checkRoom(for count: Int) throws {
    #if canImport(Darwin)
      let kind = RLIMIT_AS
    #else
      let kind = Int32(RLIMIT_AS.rawValue)
    #endif
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0,
      let most = Int(exactly: limit.rlim_cur), most < Int.max / 2
    else { return }
    let text = data ?? Corpus.usual
    let bytes = text.flatMap {
      try? FileManager.default.attributesOfItem(atPath: $0)[.size] as? Int
    }
    let each = 24 << 20 + 16 * min(bytes ?? 0, 1 << 40)
    let (all, isOver) = each.multipliedReportingOverflow(by: count)
    let room = isOver ? MAP_FAILED : mmap(nil, all, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard room != MAP_FAILED else {
      throw CompilationError(
        message:
          "there is no memory for \(count.grouped) ranks: the limit is \(most.grouped) bytes",
        hint: "name fewer, or raise the limit: see 'ulimit -v'")
    }
    munmap(room, all)
  }

  /// One of several processes. What ends one of them ends all.
  private func asLaunched(
    _ launched: Ranks, _ body: (RunCommand, Ranks) throws -> Void
  ) throws {
    do {
      if let ranks {
        throw CompilationError(
          message:
            "--ranks \(ranks) starts threads, but this is one of \(launched.count) processes",
          hint: "leave it out: each process is a rank")
      }
      // Launchers send Ctrl-C to all: a rank that ended by it would take the others along, unsaved.
      if task == .train { Interruption.watch() }
      try body(launched.isFirst ? self : silent, launched)
    } catch let code as ExitCode {
      try launched.close()
      throw code
    } catch {
      fail(launched, error)
    }
    try launched.close()
  }

  /// What all have found the first rank says; another speaks if it does not.
  private func fail(_ launched: Ranks, _ error: any Error) {
    if launched.isFirst {
      try? reportingErrors { throw error }
      launched.abort(nil)
    } else {
      Thread.sleep(forTimeInterval: 2)
      launched.abort((error as? any ExplainedError)?.message ?? "\(error)")
    }
  }

  /// Threads of a rank where none are asked for: its share of the process's processors, or of the machine's, or those
  /// that it is bound to; nil for one that is alone.
  func usualThreads(of ranks: Ranks) -> Int? {
    if ranks.count == 1 { return nil }
    let usual = Processors.current.usualThreads
    if self.ranks != nil { return max(1, usual / ranks.count) }
    let isBound = usual < ProcessInfo.processInfo.processorCount
    return isBound ? usual : max(1, usual / max(1, Launcher.here()?.localCount ?? 1))
  }

  private var silent: RunCommand {
    var command = self
    command.quiet = true
    return command
  }
}
