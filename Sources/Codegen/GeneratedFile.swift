/// One file of a compiled model's source.
public struct GeneratedFile: Hashable, Sendable {
  /// The path below the folder of the model: `block.c`, `kernels/linear.h`.
  public var path: String
  public var text: String

  /// Whether the C compiler is given it, or includes it; others it can only carry.
  public var isC: Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }

  public init(path: String, text: String) {
    self.path = path
    self.text = text
  }

  init(path: String, _ statements: [Statement]) {
    self.init(path: path, text: statements.lines.joined(separator: "\n") + "\n")
  }
}
