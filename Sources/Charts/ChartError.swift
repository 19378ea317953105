/// Why no chart can be drawn: what is wrong, where, and what to do about it.
public struct ChartError: Error, Equatable, Sendable {
  /// One line, with the file and the line's number where there is one.
  public var message: String
  /// What to do about it.
  public var hint: String

  init(_ message: String, hint: String) {
    self.message = message
    self.hint = hint
  }
}
