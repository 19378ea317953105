import Foundation
import Toolchain

/// A program that runs beside this one, in a process group of its own.
///
/// Of Foundation's `Process`es that several threads start, one is now and then never told that it has ended, and whoever
/// waits for it waits for ever.
final class SpawnedProgram: @unchecked Sendable {
  let identifier: pid_t
  private let lock = NSLock()
  private var status: Int32?  // as waitpid tells it; guarded by the lock

  /// - Parameters:
  ///   - input: a descriptor to read from; nil: there is nothing.
  ///   - outputs: the files that its output and its errors go to, which are there.
  init(
    _ program: String, _ arguments: [String], in folder: String?, environment: [String: String],
    input: Int32?, outputs: [String]
  ) throws {
    // The shell becomes the program; the call that would change the folder is not everywhere.
    let words =
      folder.map { ["/bin/sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", $0, program] }
      ?? [program]
    let actions = SpawnActions(group: 0)
    defer { actions.destroy() }
    if let input { actions.move(input, to: 0) } else { actions.open("/dev/null", O_RDONLY, as: 0) }
    for (number, path) in outputs.enumerated() {
      actions.open(path, O_WRONLY, as: Int32(1 + number))
    }
    identifier = try actions.spawn(words[0], words + arguments, environment: environment)
  }

  var isRunning: Bool {
    lock.withLock {
      if status == nil {
        var found: Int32 = 0
        let ended = waitpid(identifier, &found, WNOHANG)
        if ended == identifier || ended < 0 && errno != EINTR { status = found }
      }
      return status == nil
    }
  }

  /// Waits for its end: its exit code, or the signal that ended it.
  func end() -> (status: Int32, isKilled: Bool) {
    var facts = siginfo_t()
    while isRunning,
      waitid(P_PID, id_t(identifier), &facts, WEXITED | WNOWAIT) == 0 || errno == EINTR
    {}
    let found = lock.withLock { status ?? 0 }
    let signal = found & 0x7f
    return signal == 0 ? (found >> 8 & 0xff, false) : (signal, true)
  }
}
