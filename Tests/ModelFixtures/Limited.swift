import Foundation

/// What `body` returns, unless it takes longer than `seconds`: then it is left behind, and this
/// throws.
public func limited<Value: Sendable>(
  _ seconds: Double = 60, _ body: @escaping @Sendable () throws -> Value
) throws -> Value {
  let outcome = Outcome<Value>()
  Thread.detachNewThread { outcome.set(Result { try body() }) }
  guard let result = outcome.wait(seconds) else {
    throw TookTooLong(seconds: seconds)
  }
  return try result.get()
}

/// What took longer than it may.
public struct TookTooLong: Error {
  public var seconds: Double
}

private final class Outcome<Value>: @unchecked Sendable {
  private let condition = NSCondition()
  private var result: Result<Value, any Error>?

  func set(_ result: Result<Value, any Error>) {
    condition.withLock { self.result = result }
    condition.broadcast()
  }

  func wait(_ seconds: Double) -> Result<Value, any Error>? {
    let end = Date(timeIntervalSinceNow: seconds)
    return condition.withLock {
      while result == nil, condition.wait(until: end) {}
      return result
    }
  }
}
