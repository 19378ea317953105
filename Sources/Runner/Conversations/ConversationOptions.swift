/// How conversations are read; nil is the usual, or what a run that goes on has.
public struct ConversationOptions: Equatable, Sendable, Codable {
  /// What is learned of a conversation.
  public enum Learn: String, Sendable, Codable, CaseIterable {
    /// The assistant's answers, or completions.
    case answers
    /// All of it.
    case all
  }

  /// What becomes of conversations that are longer than a row.
  public enum TooLong: String, Sendable, Codable, CaseIterable {
    /// They lose their ends.
    case truncate
    /// The file is refused.
    case refuse
  }

  public var learn: Learn?
  public var tooLong: TooLong?
  /// The file of the chat template; nil is that beside the weights.
  public var template: String?
  /// Conversations to validate on; nil takes the last tenth of all.
  public var validation: String?

  public init() {}

  /// Those that are given here, over what `usual` says.
  func over(_ usual: ConversationOptions) -> ConversationOptions {
    var options = self
    options.learn = learn ?? usual.learn
    options.tooLong = tooLong ?? usual.tooLong
    options.template = template ?? usual.template
    options.validation = validation ?? usual.validation
    return options
  }

  /// The options that are given, as a command has them.
  public var given: [String] {
    [
      learn.map { _ in "--learn" }, tooLong.map { _ in "--too-long" },
      template.map { _ in "--template" }, validation.map { _ in "--validation" },
    ].compactMap { $0 }
  }
}
