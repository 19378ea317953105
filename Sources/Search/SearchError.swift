import SystemFiles

/// Why a search cannot begin or go on.
public struct SearchError: ExplainedError, Equatable {
  public var message: String
  public var hint: String

  public init(_ message: String, hint: String) {
    self.message = message
    self.hint = hint
  }
}
