import JSON

/// A value in a run's settings, as JSON has it.
enum ConfigValue: Equatable, Codable {
  case integer(Int)
  case number(Double)
  case flag(Bool)
  case text(String)
  case texts([String])
  case object([String: ConfigValue])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let texts = try? value.decode([String].self) {
      self = .texts(texts)
    } else {
      self = .object(try value.decode([String: ConfigValue].self))
    }
  }

  /// Nil for what no settings have: `null`, and lists of other things than texts.
  init?(_ json: JSON) {
    switch json {
    case .object(let members):
      let pairs = members.map { (String(decoding: $0.key, as: UTF8.self), ConfigValue($0.value)) }
      let values = pairs.compactMap { name, value in value.map { (name, $0) } }
      self = .object(Dictionary(values, uniquingKeysWith: { _, last in last }))
    case .array(let elements):
      let texts = elements.compactMap(Self.text)
      guard texts.count == elements.count else { return nil }
      self = .texts(texts)
    case .string: self = .text(Self.text(json) ?? "")
    case .number(let digits): self = .number(String(decoding: digits, as: UTF8.self))
    case .bool(let flag): self = .flag(flag)
    case .null: return nil
    }
  }

  private static func text(_ json: JSON) -> String? {
    guard case .string(let bytes) = json else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A whole number whichever way it is written; one too large for `Int`, as a seed may be, is a text.
  private static func number(_ digits: String) -> ConfigValue {
    if let whole = Int(digits) { return .integer(whole) }
    if UInt64(digits) != nil { return .text(digits) }
    let number = Double(digits) ?? .nan
    return Int(exactly: number).map(ConfigValue.integer) ?? .number(number)
  }

  func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .integer(let integer): try value.encode(integer)
    case .number(let number): try value.encode(number)
    case .flag(let flag): try value.encode(flag)
    case .text(let text): try value.encode(text)
    case .texts(let texts): try value.encode(texts)
    case .object(let object): try value.encode(object)
    }
  }

  /// A number with or without a fraction.
  var asNumber: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .number(let number): number
    case .flag, .text, .texts, .object: nil
    }
  }

  /// A float as the shortest decimal number that means it, not as the double that it is.
  static func number(_ float: Float) -> ConfigValue { .number(Double("\(float)") ?? Double(float)) }
}
