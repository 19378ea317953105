/// The static properties of an op as its text form writes them: `{epsilon 1e-05, heads H}`.
///
/// A list in a fixed order, so that printing is deterministic.
public struct Attributes: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    case flag
    case integer(Int)
    case number(Double)
    case string(String)
    case axes([Axis])
    case expression(ScalarExpression)
    case initializer(Initializer)
  }

  public struct Entry: Hashable, Sendable {
    public var name: String
    public var content: Content
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  /// Adds a property; nil and false add none.
  public func with(_ name: String, _ content: Content?) -> Attributes {
    guard let content else { return self }
    var copy = self
    copy.entries.append(Entry(name: name, content: content))
    return copy
  }

  public func with(_ name: String, flag: Bool) -> Attributes {
    with(name, flag ? .flag : nil)
  }
}

/// Reads an op's attributes back; whatever stays unread is an error.
public struct AttributeReader {
  let mnemonic: String
  private var rest: [Attributes.Entry]

  init(_ mnemonic: String, _ attributes: Attributes) {
    self.mnemonic = mnemonic
    rest = attributes.entries
  }

  mutating func optional(_ name: String) -> Attributes.Content? {
    guard let index = rest.firstIndex(where: { $0.name == name }) else { return nil }
    return rest.remove(at: index).content
  }

  /// Whether the flag is there; an entry of that name with a value stays unread.
  mutating func flag(_ name: String) -> Bool {
    guard let index = rest.firstIndex(where: { $0.name == name && $0.content == .flag }) else {
      return false
    }
    rest.remove(at: index)
    return true
  }

  mutating func integer(_ name: String) throws(Mismatch) -> Int {
    if case .integer(let value) = optional(name) { return value }
    throw missing(name, "a whole number")
  }

  mutating func number(_ name: String) throws(Mismatch) -> Double {
    switch optional(name) {
    case .number(let value): return value
    case .integer(let value): return Double(value)
    case .flag, .string, .axes, .expression, .initializer, nil:
      throw missing(name, "a number")
    }
  }

  /// A whole number that may be absent.
  mutating func optionalInteger(_ name: String) throws(Mismatch) -> Int? {
    has(name) ? try integer(name) : nil
  }

  /// A number that may be absent.
  mutating func optionalNumber(_ name: String) throws(Mismatch) -> Double? {
    has(name) ? try number(name) : nil
  }

  /// A string that may be absent.
  mutating func optionalString(_ name: String) throws(Mismatch) -> String? {
    has(name) ? try string(name) : nil
  }

  /// One axis that may be absent.
  mutating func optionalAxis(_ name: String) throws(Mismatch) -> Axis? {
    has(name) ? try axis(name) : nil
  }

  func has(_ name: String) -> Bool { rest.contains { $0.name == name } }

  mutating func string(_ name: String) throws(Mismatch) -> String {
    if case .string(let value) = optional(name) { return value }
    throw missing(name, "a string")
  }

  mutating func axes(_ name: String) throws(Mismatch) -> [Axis] {
    if case .axes(let value) = optional(name) { return value }
    throw missing(name, "axes")
  }

  mutating func axis(_ name: String) throws(Mismatch) -> Axis {
    guard case .axes(let value) = optional(name), let axis = value.first, value.count == 1 else {
      throw missing(name, "one axis")
    }
    return axis
  }

  mutating func expression(_ name: String) throws(Mismatch) -> ScalarExpression {
    if case .expression(let value) = optional(name) { return value }
    throw missing(name, "an expression")
  }

  mutating func initializer(_ name: String) throws(Mismatch) -> Initializer {
    if case .initializer(let value) = optional(name) { return value }
    throw missing(name, "an initializer")
  }

  func finish() throws(Mismatch) {
    guard let extra = rest.first else { return }
    throw Mismatch("\(mnemonic): unknown attribute \"\(extra.name)\"")
  }

  private func missing(_ name: String, _ what: String) -> Mismatch {
    Mismatch("\(mnemonic): attribute \"\(name)\" must be \(what)")
  }
}
