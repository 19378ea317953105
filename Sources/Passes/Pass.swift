import GraphIR

/// One step of the compiler: a function from graph to graph with a name by which to switch it off.
public struct Pass: Sendable {
  public var name: String

  /// What it does, in one line.
  public var summary: String

  /// Whether the rest of the compiler cannot do without it.
  public var isRequired: Bool

  public var run: @Sendable (Graph) throws(Diagnostic) -> Graph

  public init(
    _ name: String, _ summary: String, isRequired: Bool = false,
    run: @escaping @Sendable (Graph) throws(Diagnostic) -> Graph
  ) {
    self.name = name
    self.summary = summary
    self.isRequired = isRequired
    self.run = run
  }
}
