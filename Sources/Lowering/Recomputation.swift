import GraphIR

/// Why a model's evaluation takes the whole window every time.
public struct Recomputation: Error, Hashable, Sendable, CustomStringConvertible {
  /// `block.0.mixture draws random numbers in every pass`.
  public var reason: String
  public var location: SourceLocation?

  public init(_ reason: String, at location: SourceLocation? = nil) {
    self.reason = reason
    self.location = location
  }

  public var description: String {
    reason + (location.map { " (\($0.file):\($0.line))" } ?? "")
  }
}
