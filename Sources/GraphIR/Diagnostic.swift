/// A place in a model's source: `makemoe.swift:17:20`.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
  public var file: String
  public var line: Int
  public var column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { "\(file):\(line):\(column)" }
}

/// One error for a person: where, what was expected and given, and a way out.
public struct Diagnostic: Error, Hashable, Sendable, CustomStringConvertible {
  public var location: SourceLocation?
  public var message: String
  public var hint: String?

  public init(at location: SourceLocation?, _ message: String, hint: String? = nil) {
    self.location = location
    self.message = message
    self.hint = hint
  }

  public var description: String { text("error") }

  /// The same for what a person should know, but need not change.
  public var note: String { text("note") }

  private func text(_ kind: String) -> String {
    let place = location.map { "\($0): " } ?? ""
    return "\(place)\(kind): \(message)" + (hint.map { "\n  hint: \($0)" } ?? "")
  }
}

/// Inputs that an operation cannot take, without a place: whoever knows it makes a `Diagnostic`.
public struct Mismatch: Error, Hashable, Sendable {
  public var message: String
  public var hint: String?

  public init(_ message: String, hint: String? = nil) {
    self.message = message
    self.hint = hint
  }
}
