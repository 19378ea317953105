import Foundation

/// A shell that ends its process group as soon as moec is gone, whatever ended it, `kill -9`
/// included: it waits on a pipe of which moec alone holds the other end, and the system closes that.
///
/// The watcher is there before the program that it watches, and leads the group which that joins, so
/// that there is no moment at which a program could be left behind. Linux alone could do without, by
/// `PR_SET_PDEATHSIG`, which reaches the program but not what that has started.
final class Watcher {
  /// The process group of the watcher and all that it watches.
  let group: pid_t
  private let lifeline: Pipe

  /// Starts a watcher; `program` is only named in the error.
  init(for program: String) throws(ToolchainError) {
    lifeline = try Pipe.make(for: program)
    let actions = SpawnActions(group: 0)
    defer { actions.destroy() }
    actions.move(lifeline.readEnd, to: 0)
    actions.openNull(1)
    actions.openNull(2)
    let words = ["sh", "-c", "read -r word || kill -KILL 0"]
    group = try actions.spawn("/bin/sh", words, environment: [:])
    lifeline.closeReadEnd()
  }

  /// Ends the program and all that it started.
  func endGroup() { _ = kill(-group, SIGKILL) }

  /// Ends the watcher alone.
  func dismiss() {
    _ = kill(group, SIGKILL)
    lifeline.close()
    _ = Subprocess.wait(for: group)
  }
}
