import Chat
import ModelRuntime
import Tokenizer

/// Makes tokens of conversations, and says which of them are learned.
struct ConversationCoder {
  private let coding: TextCoding
  private let files: ChatFiles
  private let learns: ConversationOptions.Learn
  private var encoder: TokenEncoder?
  private let lost: LostCharacters
  private let specials: Set<Int32>
  /// What ends a text that no template has put together; nil where none is known.
  private let end: Int32?

  init(_ coding: TextCoding, _ files: ChatFiles, _ learns: ConversationOptions.Learn) {
    (self.coding, self.files, self.learns) = (coding, files, learns)
    lost = LostCharacters(coding)
    guard case .subwords(let tokenizer) = coding else {
      (encoder, specials, end) = (nil, [], nil)
      return
    }
    encoder = TokenEncoder(tokenizer)
    specials = Set(tokenizer.addedTokens.filter(\.isSpecial).map(\.id))
    end = files.facts["eos_token"].flatMap(tokenizer.token)
  }

  /// Errors: no template for messages, or one that refuses them; characters that are not known.
  mutating func text(of line: ConversationLine) throws(LineError.Reason) -> LearnedText {
    switch line {
    case .messages(let messages, let first): return try text(of: messages, from: first)
    case .text(let text): return try plain("", text)
    case .completion(let prompt, let completion): return try plain(prompt, completion)
    }
  }

  /// A text without a template: what the tokenizer puts before every text, and its end.
  private mutating func plain(
    _ prompt: String, _ completion: String
  ) throws(LineError.Reason) -> LearnedText {
    let whole = Array((prompt + completion).utf8)
    let tokens = try encode(whole)
    var isLearned = [Bool](repeating: true, count: tokens.count)
    if learns == .answers {
      let span = prompt.utf8.count..<whole.count
      let learned = tokenRange(of: span, tokens, whole)
      for index in isLearned.indices { isLearned[index] = learned.contains(index) }
    }
    var start: [Int32] = []
    if case .subwords(let tokenizer) = coding { start = tokenizer.start }
    let isEnded = end == nil || tokens.last == end
    return LearnedText(
      tokens: start + tokens + (isEnded ? [] : [end ?? 0]),
      isLearned: start.map { _ in learns == .all } + isLearned + (isEnded ? [] : [true]))
  }

  // MARK: - Messages

  private mutating func text(
    of messages: [ChatTemplate.Message], from first: Int
  ) throws(LineError.Reason) -> LearnedText {
    let (whole, marked) = try rendered(messages, answers: false)
    let tokens = try encode(whole)
    if learns == .all {
      return LearnedText(tokens: tokens, isLearned: tokens.map { _ in true })
    }
    var isLearned = [Bool](repeating: false, count: tokens.count)
    let marks = files.template?.marksGeneration ?? false
    let spans =
      marks
      ? try after(first, marked, messages, whole) : try answers(in: messages, from: first, whole)
    let places = coding.places(of: tokens, in: whole)
    for span in spans {
      var learned = tokenRange(of: span, tokens, whole, places)
      if !marks { learned = throughEnd(learned, tokens, whole, places) }
      for index in learned { isLearned[index] = true }
    }
    return LearnedText(tokens: tokens, isLearned: isLearned)
  }

  private func rendered(
    _ messages: some Sequence<ChatTemplate.Message>, answers: Bool
  ) throws(LineError.Reason) -> (text: [UInt8], generated: [Range<Int>]) {
    guard let template = files.template else {
      throw .init(
        "messages need a chat template, and \(files.path) is not there",
        hint: "name one with --template, or import an instruct model, which brings one along")
    }
    do throws(TemplateError) {
      let (text, generated) = try template.rendered(
        Array(messages), facts: files.facts, answers: answers)
      return (Array(text.utf8), generated)
    } catch {
      throw .init(error.message, hint: error.hint)
    }
  }

  /// What the template marks, behind the messages that are given.
  private func after(
    _ first: Int, _ marked: [Range<Int>], _ messages: [ChatTemplate.Message], _ whole: [UInt8]
  ) throws(LineError.Reason) -> [Range<Int>] {
    if first == 0 { return marked }
    let given = try rendered(messages[..<first], answers: false).text
    guard whole.starts(with: given) else { throw Self.noPrefix(first) }
    return marked.filter { $0.lowerBound >= given.count }
  }

  /// Where answers are: from what the template writes up to one, to what it has written with it.
  private func answers(
    in messages: [ChatTemplate.Message], from first: Int, _ whole: [UInt8]
  ) throws(LineError.Reason) -> [Range<Int>] {
    var spans: [Range<Int>] = []
    for index in first..<messages.count where messages[index].role == "assistant" {
      let before = try rendered(messages[..<index], answers: true).text
      let through = try rendered(messages[...index], answers: false).text
      guard whole.starts(with: before), whole.starts(with: through), before.count <= through.count
      else { throw Self.noPrefix(index) }
      spans.append(before.count..<through.count)
    }
    return spans
  }

  private static func noPrefix(_ index: Int) -> LineError.Reason {
    .init(
      "what the chat template writes before message \(index + 1) is not how the whole conversation begins",
      hint: "name a template with --template that marks answers by {% generation %}")
  }

  /// The tokens of an answer up to the special one that ends it: a line's end behind that is not learned.
  private func throughEnd(
    _ range: Range<Int>, _ tokens: [Int32], _ whole: [UInt8], _ places: [Range<Int>]?
  ) -> Range<Int> {
    guard let last = range.last(where: { specials.contains(tokens[$0]) }) else { return range }
    let isSpace = (last + 1..<range.upperBound).allSatisfy { index in
      let bytes = places.map { whole[$0[index]] } ?? []
      return bytes.allSatisfy { $0 == 0x20 || (0x9...0xd).contains($0) }
    }
    return isSpace ? range.lowerBound..<last + 1 : range
  }

  // MARK: - Tokens

  private mutating func encode(_ text: [UInt8]) throws(LineError.Reason) -> [Int32] {
    if var encoder {
      var tokens: [Int32] = []
      // Collecting tokens throws nothing.
      try? text.withUnsafeBufferPointer { bytes in
        try encoder.encode(validUTF8: bytes) { tokens += $0 }
      }
      self.encoder = encoder
      try lost.check(tokens, of: text)
      return tokens
    }
    do throws(VocabularyError) {
      return try coding.encode(String(decoding: text, as: UTF8.self))
    } catch {
      throw .init(error.message, hint: error.hint)
    }
  }

  private func tokenRange(of span: Range<Int>, _ tokens: [Int32], _ text: [UInt8]) -> Range<Int> {
    tokenRange(of: span, tokens, text, coding.places(of: tokens, in: text))
  }

  /// The tokens that have bytes of a span. Where places are not known, those behind the tokens that
  /// the text up to the span has in common with the whole.
  private func tokenRange(
    of span: Range<Int>, _ tokens: [Int32], _ text: [UInt8], _ places: [Range<Int>]?
  ) -> Range<Int> {
    guard let places else {
      let start = common(tokens, text[..<span.lowerBound]).count
      let (end, isWhole) = common(tokens, text[..<span.upperBound])
      return start..<max(start, min(isWhole ? end : end + 1, tokens.count))
    }
    let start = places.firstIndex { $0.upperBound > span.lowerBound } ?? tokens.count
    let end = places.lastIndex { $0.lowerBound < span.upperBound && !$0.isEmpty }.map { $0 + 1 }
    return start..<max(start, end ?? start)
  }

  /// How many tokens a beginning of the text has in common with the whole, and whether it has no others.
  private func common(
    _ tokens: [Int32], _ beginning: ArraySlice<UInt8>
  ) -> (count: Int, isWhole: Bool) {
    guard case .subwords(let tokenizer) = coding else { return (0, true) }
    let own = tokenizer.encode(Array(beginning))
    let count = zip(own, tokens).prefix { $0 == $1 }.count
    return (count, count == own.count)
  }
}

extension TextCoding {
  /// Which bytes of a text's UTF-8 each token stands for; nil where that cannot be told.
  func places(of tokens: [Int32], in text: [UInt8]) -> [Range<Int>]? {
    switch self {
    case .subwords(let tokenizer): return tokenizer.places(of: tokens, in: text)
    case .characters:
      let starts = text.indices.filter { text[$0] & 0xc0 != 0x80 } + [text.count]
      guard starts.count == tokens.count + 1 else { return nil }
      return zip(starts, starts.dropFirst()).map { $0..<$1 }
    }
  }
}
