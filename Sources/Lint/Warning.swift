import GraphIR

/// Something in a model that is legal but surely unmeant, or worth knowing.
public struct Warning: Hashable, Sendable {
  public var location: SourceLocation?

  /// The rule's name, `unneeded-mark` for a mark that silences nothing.
  public var rule: String
  public var message: String
  public var hint: String

  /// As printed: `model.swift:17:20: warning: … [attention-scale]`, and a hint.
  public func text(asError: Bool = false) -> String {
    let place = location.map { "\($0): " } ?? ""
    return "\(place)\(asError ? "error" : "warning"): \(message) [\(rule)]\n  hint: \(hint)"
  }
}

/// What the linter has to say about a model.
public struct LintReport: Hashable, Sendable {
  /// Marks that cannot be understood; such a model does not compile.
  public var errors: [Diagnostic]

  /// In the order of the model's lines.
  public var warnings: [Warning]
}
