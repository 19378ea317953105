/// What swiftc says of a model, where its words for a usual mistake name types that a model never
/// mentions: in the words of the DSL, with the way out.
enum SwiftMessages {
  /// The same text with those messages in other words, in each place where one stands.
  static func inWordsOfModels(_ text: String) -> String {
    var text = text
    for (pattern, words) in conversions() {
      text = text.replacing(pattern) { _ in words }
    }
    return text.replacing(/value of type 'Routed' has no member '(\w+)'/) {
      "rows sorted by expert have no '\($0.output.1)'; what tensors have is there after .combined()"
    }
  }

  private static func conversions() -> [(Regex<Substring>, String)] {
    [
      (
        /cannot convert (?:value|return expression) of type 'Routed' to [\w ]*type 'Tensor'/,
        "rows sorted by expert stand where a tensor is expected; call .combined() first"
      ),
      (
        /cannot convert (?:value|return expression) of type 'Tensor' to [\w ]*type 'Routed'/,
        "a tensor stands where rows sorted by expert are expected; call .routed(by: routing) first"
      ),
      (
        /(?:expressions|statements) are not allowed at the top level/,
        "statements of a model stand in model.swift alone; let other files have functions, or name a file"
      ),
      (
        /cannot convert (?:value|return expression) of type 'TopK' to [\w ]*type 'Routing'/,
        "a choice of experts stands where a routing is expected; give it weights with .softmax(), "
          + ".weights() or .normalized()"
      ),
    ]
  }
}
