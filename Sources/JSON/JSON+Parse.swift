extension JSON {
  /// Why a text is not taken, and at which byte.
  public struct Failure: Error, Equatable {
    public var offset: Int
    public var reason: String

    public init(offset: Int, reason: String) {
      self.offset = offset
      self.reason = reason
    }

    public static let notUTF8 = Failure(offset: 0, reason: "it is not UTF-8")
  }

  /// What readers of one kind of file take or refuse where RFC 8259 leaves it to them.
  public struct Rules: Sendable {
    /// How deep values may be nested: a reader's stack has an end.
    public var deepest: Int
    /// Whether an object that has a key twice is refused.
    public var refusesRepeatedKeys: Bool
    /// Whether a byte-order mark, as some editors put before a text, is passed over.
    public var skipsMark: Bool

    /// For files that people edit.
    public static let lenient = Rules(deepest: 64, refusesRepeatedKeys: false, skipsMark: true)
    /// For files that only programs write.
    public static let strict = Rules(deepest: 16, refusesRepeatedKeys: true, skipsMark: false)
  }

  /// The value that a whole text is, in the grammar of RFC 8259. Errors: the first mistake.
  public static func parse(_ text: [UInt8], _ rules: Rules = .lenient) throws(Failure) -> JSON {
    guard String(validating: text, as: UTF8.self) != nil else { throw .notUTF8 }
    var parser = JSONParser(text: text, rules: rules)
    return try parser.whole()
  }
}
