import Foundation

/// Who of several trials is trained: so many at once, and in order of their numbers, whoever is ready first.
/// What a sampler knows when it is asked then does not depend on how long compiling takes.
final class Turns: @unchecked Sendable {
  private let condition = NSCondition()
  private let limit: Int
  // Guarded by the condition.
  private var waiting: Set<Int> = []
  private var running = 0

  init(limit: Int) { self.limit = limit }

  /// A trial has begun, and nobody with a higher number is to have a turn before it.
  func expect(_ number: Int) {
    condition.withLock { _ = waiting.insert(number) }
  }

  /// Waits for a trial's turn; false if it was given up before.
  func enter(_ number: Int, until isOver: () -> Bool) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while running >= limit || waiting.min() != number {
      _ = condition.wait(until: Date(timeIntervalSinceNow: 0.1))
      if isOver() {
        remove(number)
        return false
      }
    }
    remove(number)
    running += 1
    return true
  }

  func leave() {
    condition.lock()
    running -= 1
    condition.broadcast()
    condition.unlock()
  }

  /// A trial will have no turn.
  func drop(_ number: Int) {
    condition.withLock { remove(number) }
  }

  private func remove(_ number: Int) {
    waiting.remove(number)
    condition.broadcast()
  }
}
