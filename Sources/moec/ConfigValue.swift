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
