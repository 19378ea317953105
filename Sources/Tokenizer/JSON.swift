/// A JSON value as a tokenizer's file has them. Strings are UTF-8 bytes, since two Swift strings
/// are equal when they only look equal, and tokens are different when their bytes are.
package enum JSON: Equatable, Sendable {
  case object([Member])
  case array([JSON])
  case string([UInt8])
  /// A number as it is written.
  case number([UInt8])
  case bool(Bool)
  case null

  package struct Member: Equatable, Sendable {
    package var key: [UInt8]
    package var value: JSON
  }

  /// Why a text is no JSON, and at which byte.
  package struct Failure: Error, Equatable {
    package var offset: Int
    package var reason: String

    package init(offset: Int, reason: String) { (self.offset, self.reason) = (offset, reason) }
  }

  static func text(_ text: String) -> JSON { .string(Array(text.utf8)) }

  static func count(_ count: Int) -> JSON { .number(Array("\(count)".utf8)) }

  /// An object with these members in this order.
  static func members(_ members: KeyValuePairs<String, JSON>) -> JSON {
    .object(members.map { Member(key: Array($0.key.utf8), value: $0.value) })
  }

  /// The last member with this name, as other readers have it; nil for none and for `null`.
  subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    let found = members.last { $0.key.elementsEqual(name.utf8) }
    return found?.value == .null ? nil : found?.value
  }

  var string: [UInt8]? {
    if case .string(let bytes) = self { return bytes }
    return nil
  }

  /// A string that is shown or compared with names.
  var name: String? { string.map { String(decoding: $0, as: UTF8.self) } }

  var bool: Bool? {
    if case .bool(let bool) = self { return bool }
    return nil
  }

  var whole: Int? {
    if case .number(let digits) = self { return Int(String(decoding: digits, as: UTF8.self)) }
    return nil
  }

  var elements: [JSON]? {
    if case .array(let elements) = self { return elements }
    return nil
  }

  var members: [Member]? {
    if case .object(let members) = self { return members }
    return nil
  }

  /// What kind of value it is, for errors.
  var kind: String {
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
