/// A number or word of a model that whoever compiles it may choose: its value in this graph, what it is
/// otherwise, and what it may be.
public struct ModelSetting: Hashable, Sendable {
  /// A letter followed by letters, digits, `-` and `_`.
  public var name: String
  public var value: Value
  /// What it is if nobody chooses.
  public var usual: Value
  public var choices: Choices
  /// A line about it; may be empty.
  public var help: String
  public var location: SourceLocation?

  /// What a setting is, or may be.
  public enum Value: Hashable, Sendable {
    case whole(Int)
    case number(Double)
    case word(String)
  }

  /// What a setting may be: any of its kind, those of a range, or some words.
  public enum Choices: Hashable, Sendable {
    case any
    case whole(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case words([String])
  }

  public init(
    name: String, value: Value, usual: Value, choices: Choices = .any, help: String = "",
    location: SourceLocation? = nil
  ) {
    (self.name, self.value, self.usual) = (name, value, usual)
    (self.choices, self.help, self.location) = (choices, help, location)
  }

  /// Whole settings are counts, and are exact as doubles too.
  public static let largest = 1 << 53
}

extension ModelSetting.Value: CustomStringConvertible {
  /// As it is given to `--set`: `8`, `0.1`, `relu`.
  public var description: String {
    switch self {
    case .whole(let number): "\(number)"
    case .number(let number): "\(number)"
    case .word(let word): word
    }
  }
}

extension ModelSetting {
  /// The value that a text gives this setting. Errors: it is of another kind, or not among the choices.
  public func value(of text: String) throws(Mismatch) -> Value {
    let value: Value
    switch usual {
    case .whole:
      guard let number = Int(text), abs(number) <= Self.largest else {
        throw Mismatch("\(name) is a whole number, not \(text.quoted)", hint: hint)
      }
      value = .whole(number)
    case .number:
      guard let number = Double(text), number.isFinite else {
        throw Mismatch("\(name) is a number, not \(text.quoted)", hint: hint)
      }
      value = .number(number)
    case .word: value = .word(text)
    }
    guard allows(value) else { throw Mismatch("\(name) cannot be \(text.quoted)", hint: hint) }
    return value
  }

  /// Whether a value is of the setting's kind and among its choices.
  public func allows(_ value: Value) -> Bool {
    switch (usual, value, choices) {
    case (.whole, .whole(let number), .any): abs(number) <= Self.largest
    case (.whole, .whole(let number), .whole(let range)):
      range.contains(number) && abs(number) <= Self.largest
    case (.number, .number(let number), .any): number.isFinite
    case (.number, .number(let number), .number(let range)): range.contains(number)
    case (.word, .word(let word), .words(let words)): words.contains(word)
    case (.whole, _, _), (.number, _, _), (.word, _, _): false
    }
  }

  private var hint: String { "\(name) is \(kind)" }

  /// What it may be, in words: `a whole number from 2 to 64`, `softmax or sigmoid`.
  public var kind: String {
    switch choices {
    case .any:
      if case .whole = usual { return "any whole number" }
      return "any number"
    case .whole(let range): return "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .number(let range): return "a number from \(range.lowerBound) to \(range.upperBound)"
    case .words(let words):
      let first = words.dropLast().joined(separator: ", ")
      return first.isEmpty ? words.joined() : "\(first) or \(words.last ?? "")"
    }
  }
}

extension [ModelSetting] {
  /// `experts 16, chosen 4`.
  public var inShort: String { map { "\($0.name) \($0.value)" }.joined(separator: ", ") }
}
