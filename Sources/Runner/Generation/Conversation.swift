import Chat
import ModelRuntime
import SystemFiles
import Tokenizer

/// A chat with a model: messages, the template that makes a prompt of them, and answers as they come.
public struct Conversation {
  public private(set) var messages: [ChatTemplate.Message] = []
  private let session: Session
  private let tokenizer: BytePairTokenizer
  private let template: ChatTemplate
  private let facts: [String: String]
  private let settings: GenerationSettings
  /// Tokens that end an answer: special ones are no text.
  private let ends: Set<Int32>

  /// `facts` are what the template asks for beside messages, such as `bos_token`. Error: a model of characters.
  public init(
    _ session: Session, _ template: ChatTemplate, facts: [String: String], system: String?,
    _ settings: GenerationSettings
  ) throws(ConversationError) {
    guard case .subwords(let tokenizer) = session.coding else { throw .noTokenizer }
    (self.session, self.template, self.facts) = (session, template, facts)
    (self.tokenizer, self.settings) = (tokenizer, settings)
    ends = Set(tokenizer.addedTokens.filter(\.isSpecial).map(\.id))
    if let system { messages.append(.init(role: "system", content: system)) }
  }

  /// Adds a message and writes the answer, piece by piece. The oldest messages are left out of the prompt, but for
  /// the system's, where all do not fit; the answer ends at a special token, at a stop text, after
  /// `settings.tokens`, where the context is full, or when `isInterrupted`.
  ///
  /// Errors: the template's; a message that does not fit; logits that are not finite.
  public mutating func answer(
    _ text: String, isInterrupted: () -> Bool = { false }, note: (String) -> Void = { _ in },
    write: (String) throws -> Void
  ) throws {
    messages.append(.init(role: "user", content: text))
    let before = messages
    do {
      var tokens = try prompt(note)
      let answer = try generate(&tokens, isInterrupted, note, write)
      messages.append(.init(role: "assistant", content: answer))
    } catch {
      messages = Array(before.dropLast())
      throw error
    }
  }

  /// The tokens of as many messages as leave a quarter of the context to the answer.
  private func prompt(_ note: (String) -> Void) throws -> [Int32] {
    let context = session.model.manifest.context
    var kept = messages
    while true {
      let tokens = tokenizer.encode(try template.prompt(kept, facts: facts))
      if tokens.count <= context - max(context / 4, 1) {
        let left = messages.count - kept.count
        if left > 0 { note("the context is full: \(left) older messages are left out") }
        return tokens
      }
      let first = kept.firstIndex { $0.role != "system" } ?? 0
      guard kept.count - first > 2 else {
        throw ConversationError.tooLong(tokens: tokens.count, context: context)
      }
      // A question goes with its answer.
      kept.removeSubrange(first..<first + 2)
    }
  }

  private func generate(
    _ tokens: inout [Int32], _ isInterrupted: () -> Bool, _ note: (String) -> Void,
    _ write: (String) throws -> Void
  ) throws -> String {
    let (model, sampler) = (session.model, TokenSampler(settings))
    var (filter, stream) = (StopFilter(settings.stops), TextStream(tokenizer))
    var chance = RandomStream(seed: settings.seed &+ UInt64(messages.count), .generation)
    var answer = ""
    func tell(_ text: String) throws {
      if text.isEmpty { return }
      answer += text
      try write(text)
    }
    for position in 0..<settings.tokens where !filter.isFinished && !isInterrupted() {
      guard tokens.count <= model.manifest.context else {
        note("the context of \(model.manifest.context) tokens is full, and the answer ends")
        break
      }
      let noise = RandomStream.seed(settings.seed, .generationNoise, index: position)
      let logits = try model.next(tokens: tokens, seed: noise)
      try model.requireFinite(logits, "logits")
      let next = Int32(try sampler.token(logits, count: tokenizer.count, at: chance.nextUnit()))
      if ends.contains(next) { break }
      tokens.append(next)
      try tell(filter.take(stream.append(next)))
    }
    try tell(filter.take(stream.finish()) + filter.rest())
    return answer
  }
}

/// Why there is no chat, or no answer.
public enum ConversationError: ExplainedError, Equatable {
  case noTokenizer
  case tooLong(tokens: Int, context: Int)

  public var message: String {
    switch self {
    case .noTokenizer: return "the model knows characters, and a chat needs a tokenizer"
    case .tooLong(let tokens, let context):
      return
        "the prompt has \(tokens) tokens, and the model sees \(context) at once, with the answer"
    }
  }

  public var hint: String {
    switch self {
    case .noTokenizer:
      return "name the model's with --tokenizer, or use weights that 'moec import' wrote"
    case .tooLong: return "say less at once, or import the model with a longer --context"
    }
  }
}
