import JSON

/// What an expression of a template is.
enum TemplateValue: Equatable, Sendable {
  case none
  /// A name that nothing was given.
  case undefined
  case bool(Bool)
  case number(Int)
  case text(String)
  case list([TemplateValue])
  case object([String: TemplateValue])

  /// As `if` takes it.
  var isTrue: Bool {
    switch self {
    case .none, .undefined: false
    case .bool(let bool): bool
    case .number(let number): number != 0
    case .text(let text): !text.isEmpty
    case .list(let list): !list.isEmpty
    case .object(let object): !object.isEmpty
    }
  }

  /// As it is written into the text.
  var written: String {
    switch self {
    case .none: "None"
    case .undefined: ""
    case .bool(let bool): bool ? "True" : "False"
    case .number(let number): "\(number)"
    case .text(let text): text
    case .list, .object: quoted
    }
  }

  /// As JSON, the way `tojson` has it.
  var quoted: String {
    switch self {
    case .none, .undefined: "null"
    case .bool(let bool): bool ? "true" : "false"
    case .number(let number): "\(number)"
    case .text(let text): JSON.quoted(text)
    case .list(let list): "[" + list.map(\.quoted).joined(separator: ", ") + "]"
    case .object(let object):
      "{"
        + object.sorted { $0.key < $1.key }
        .map { "\(JSON.quoted($0.key)): \($0.value.quoted)" }.joined(separator: ", ") + "}"
    }
  }

  /// What kind it is, for errors.
  var kind: String {
    switch self {
    case .none: "none"
    case .undefined: "undefined"
    case .bool: "true or false"
    case .number: "a number"
    case .text: "a text"
    case .list: "a list"
    case .object: "an object"
    }
  }
}
