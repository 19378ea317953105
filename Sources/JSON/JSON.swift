/// A JSON value. Strings are UTF-8 bytes, since two Swift strings are equal when they only look
/// equal, and keys are different when their bytes are; numbers are as they are written.
public enum JSON: Equatable, Sendable {
  case object([Member])
  case array([JSON])
  case string([UInt8])
  case number([UInt8])
  case bool(Bool)
  case null

  public struct Member: Equatable, Sendable {
    public var key: [UInt8]
    public var value: JSON

    public init(key: [UInt8], value: JSON) {
      self.key = key
      self.value = value
    }

    /// The key as text.
    public var name: String { String(decoding: key, as: UTF8.self) }
  }
}

// MARK: - Making

extension JSON {
  public static func text(_ text: String) -> JSON { .string(Array(text.utf8)) }

  public static func count(_ count: Int) -> JSON { .numeral("\(count)") }

  /// A number by its text, which is written as it stands.
  public static func numeral(_ text: String) -> JSON { .number(Array(text.utf8)) }

  /// An object with these members in this order, those without a value left out.
  public static func members(_ members: KeyValuePairs<String, JSON?>) -> JSON {
    .object(
      members.compactMap { name, value in value.map { Member(key: Array(name.utf8), value: $0) } })
  }
}

// MARK: - Looking into

extension JSON {
  /// The last member with this name, as other readers have it; nil for none and for `null`.
  public subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    let found = members.last { $0.key.elementsEqual(name.utf8) }
    return found?.value == .null ? nil : found?.value
  }

  public var string: [UInt8]? {
    if case .string(let bytes) = self { return bytes }
    return nil
  }

  /// A string that is shown or compared with names.
  public var name: String? { string.map { String(decoding: $0, as: UTF8.self) } }

  public var bool: Bool? {
    if case .bool(let bool) = self { return bool }
    return nil
  }

  /// A whole number that is written without a point or an exponent, and fits.
  public var whole: Int? {
    if case .number(let digits) = self { return Int(String(decoding: digits, as: UTF8.self)) }
    return nil
  }

  public var elements: [JSON]? {
    if case .array(let elements) = self { return elements }
    return nil
  }

  public var members: [Member]? {
    if case .object(let members) = self { return members }
    return nil
  }

  /// What kind of value it is, for errors.
  public var kind: String {
    switch self {
    case .object: return "an object"
    case .array: return "a list"
    case .string: return "a string"
    case .number: return "a number"
    case .bool: return "true or false"
    case .null: return "null"
    }
  }
}
