/// An error that a user reads: what is wrong and where, and what to do about it.
public protocol ExplainedError: Error, CustomStringConvertible, Sendable {
  /// What is wrong, and where, on one line.
  var message: String { get }

  /// What to do about it, on one line; there is always something.
  var hint: String { get }
}

extension ExplainedError {
  public var description: String { "\(message) (\(hint))" }
}
