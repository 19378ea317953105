/// What one parameter is in a trial. Numbers are equal whichever way they are written: JSON does not tell 16
/// from 16.0.
public enum TrialValue: Sendable {
  case whole(Int)
  case number(Double)
  case word(String)

  /// The value that a text stands for.
  public init(_ text: some StringProtocol) {
    if let whole = Int(text) {
      self = .whole(whole)
    } else if let number = Double(text), number.isFinite {
      self = .number(number)
    } else {
      self = .word(String(text))
    }
  }

  public var asNumber: Double? {
    switch self {
    case .whole(let whole): Double(whole)
    case .number(let number): number
    case .word: nil
    }
  }
}

extension TrialValue: Hashable {
  public static func == (a: TrialValue, b: TrialValue) -> Bool {
    switch (a.asNumber, b.asNumber) {
    case (let a?, let b?): a == b
    case (nil, nil): a.description == b.description
    case (nil, _?), (_?, nil): false
    }
  }

  public func hash(into hasher: inout Hasher) {
    if let number = asNumber { hasher.combine(number) } else { hasher.combine(description) }
  }
}

extension TrialValue: CustomStringConvertible {
  /// As options and settings take it.
  public var description: String {
    switch self {
    case .whole(let whole): "\(whole)"
    case .number(let number): "\(number)"
    case .word(let word): word
    }
  }
}

extension TrialValue: Codable {
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let whole = try? value.decode(Int.self) {
      self = .whole(whole)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else {
      self = .word(try value.decode(String.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .whole(let whole): try value.encode(whole)
    case .number(let number): try value.encode(number)
    case .word(let word): try value.encode(word)
    }
  }
}

/// The parameters of a trial by name.
public typealias TrialValues = [String: TrialValue]
