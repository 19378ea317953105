/// The use of `layers` that a node lies in, with the scopes and uses around it: `decoder.block[3]`.
///
/// Which layer a node belongs to is said by the model as it is traced, and by nothing else: names
/// are for people.
public struct LayerPath: Hashable, Sendable, CustomStringConvertible {
  /// A scope by its name, or one use of `layers` by its name and number.
  public struct Part: Hashable, Sendable, CustomStringConvertible {
    public var name: String
    public var index: Int?

    public init(_ name: String, _ index: Int? = nil) {
      self.name = name
      self.index = index
    }

    /// `block[3]`.
    public var description: String { index.map { "\(name)[\($0)]" } ?? name }

    /// `block.3`, as it stands in scopes.
    public var scope: String { index.map { "\(name).\($0)" } ?? name }
  }

  /// From the outside in; the last one is a use.
  public let parts: [Part]

  /// `decoder.block.3`: what the scopes of the layer's nodes begin with.
  public let scope: String

  /// The innermost use among open scopes, with all that is around it; nil outside of all layers.
  public init?(_ scopes: some Collection<Part>) {
    let known = Array(scopes)
    guard let last = known.lastIndex(where: { $0.index != nil }) else { return nil }
    parts = Array(known[...last])
    scope = parts.map(\.scope).joined(separator: ".")
  }

  /// `decoder.block[3]`.
  public var description: String { parts.map(\.description).joined(separator: ".") }

  /// `block`.
  public var name: String { parts.last?.name ?? "" }

  /// How many uses of `layers` lie in one another here, this one included.
  public var depth: Int { parts.reduce(0) { $0 + ($1.index == nil ? 0 : 1) } }

  /// The use of `layers` at a depth that this one is or lies in; nil for depth 0.
  public func truncated(toDepth depth: Int) -> LayerPath? {
    var left = depth
    return LayerPath(
      parts.prefix { part in
        if part.index != nil { left -= 1 }
        return left >= 0
      })
  }

  /// The call of `layers` that it is a use of: equal for all of its uses.
  public var family: String {
    (parts.dropLast().map(\.description) + [name]).joined(separator: ".")
  }

  /// The rest of a scope of one of its nodes: `mixture.up`.
  public func local(_ scope: String) -> Substring {
    scope.dropFirst(self.scope.utf8.count).drop { $0 == "." }
  }

  public static func == (a: LayerPath, b: LayerPath) -> Bool { a.parts == b.parts }

  public func hash(into hasher: inout Hasher) { hasher.combine(scope) }
}
