import Runner
import Synchronization

/// Says once that a signal was heard where what goes on cannot be left at once.
final class StopPromise: Sendable {
  private let isTold = Mutex(false)

  func tellIfInterrupted() {
    guard Interruption.signal != nil else { return }
    let isFirst = isTold.withLock { isTold in
      defer { isTold = true }
      return !isTold
    }
    if isFirst {
      printToStandardError("ending after what is being compiled; Ctrl-C again ends at once")
    }
  }
}
