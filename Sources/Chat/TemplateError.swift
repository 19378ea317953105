import SystemFiles

/// Why a template does not become a prompt.
public enum TemplateError: ExplainedError, Equatable {
  /// What it has and moec does not, or a mistake.
  case malformed(line: Int, reason: String)
  /// What the template itself says, by `raise_exception`.
  case raised(String)
  /// tokenizer_config.json, which texts for templates are taken from, is malformed.
  case badFacts(path: String, reason: String)

  public var message: String {
    switch self {
    case .malformed(let line, let reason): "the chat template, line \(line): \(reason)"
    case .raised(let text): "the chat template refuses this: \(text)"
    case .badFacts(let path, let reason): "\(path): \(reason)"
    }
  }

  public var hint: String {
    switch self {
    case .malformed:
      "moec reads for, if, set, filters and methods that templates share; name a simpler one with --template"
    case .raised: "see what the template asks of messages"
    case .badFacts: "take the file as the model's authors published it"
    }
  }
}
