/// What swiftc says of a model, where its words for a usual mistake name types that a model never
/// mentions: in the words of the DSL, with the way out.
enum SwiftMessages {
  /// The same text with those messages in other words, in each place where one stands.
  static func inWordsOfModels(_ text: String) -> String {
    var text = text
    for (pattern, words) in conversions() {
      text = text.replacing(pattern) { _ in words }
    }
    text = text.replacing(
      /cannot find (?:type )?'(Tensor|Routed|Routing|TopK|Axis|Text|LanguageModel)' in scope/
    ) {
      "cannot find '\($0.output.1)': each file of a model begins with import MoE"
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
        /value of type 'Tensor' has no member 'combined'/,
        "a tensor stands where rows sorted by expert are expected; call .routed(by: routing) first"
      ),
      (
        /cannot convert (?:value|return expression) of type 'Tensor' to [\w ]*type 'Routing'/,
        "scores stand where a routing is expected; choose experts with .top(2), and give them weights "
          + "with .softmax(), .weights() or .normalized()"
      ),
      (
        /cannot convert value of type '(?:Int|Double)' to [\w ]*type 'Axis'/,
        "a number stands where an axis is expected; give it a name: let F = Axis(\"F\", 64)"
      ),
      (
        /binary operator '\S+' cannot be applied to operands of type '(?:Tensor|Routed)' and '(?:Int|Float)'/,
        "a tensor meets numbers of type Double: write Double(n)"
      ),
      (
        /binary operator '\S+' cannot be applied to operands of type '(?:Int|Float)' and '(?:Tensor|Routed)'/,
        "a tensor meets numbers of type Double: write Double(n)"
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
