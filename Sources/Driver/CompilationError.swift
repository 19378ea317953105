/// A failure of a stage, with the text for a person: `model.swift:17:20: error: …` and a hint.
public struct CompilationError: Error, CustomStringConvertible {
  public var text: String

  public init(_ text: String) { self.text = text }

  public init(message: String, hint: String) { text = "error: \(message)\nhint: \(hint)" }

  public var description: String { text }
}
