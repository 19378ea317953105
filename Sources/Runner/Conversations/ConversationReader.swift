import Chat
import SystemFiles
import Words

/// What was found while conversations were read.
struct ConversationFindings: Equatable, Sendable {
  var lines = 0
  /// Those that lost their ends.
  var truncated = 0
  /// Those without anything to learn, which are left out.
  var unlearned = 0
  /// The longest, in tokens.
  var longest = 0

  /// What was found in another file before this one's.
  func since(_ earlier: ConversationFindings) -> ConversationFindings {
    var own = self
    own.lines -= earlier.lines
    own.truncated -= earlier.truncated
    own.unlearned -= earlier.unlearned
    return own
  }
}

/// Reads files of conversations, line by line.
struct ConversationReader {
  private var coder: ConversationCoder
  private let given: ConversationOptions
  private let context: Int
  private(set) var findings = ConversationFindings()

  init(_ coding: TextCoding, _ files: ChatFiles, _ options: ConversationOptions, context: Int) {
    coder = ConversationCoder(coding, files, options.learn ?? .answers)
    (given, self.context) = (options, context)
  }

  /// The options with all that was left to what is usual.
  func options(_ files: ChatFiles) -> ConversationOptions {
    var options = given
    options.learn = given.learn ?? .answers
    options.tooLong = given.tooLong ?? .truncate
    options.template = files.template == nil ? nil : files.path
    return options
  }

  /// The texts of a file that have something to learn, none longer than a row and a target.
  mutating func texts(of path: String) throws -> LearnedTexts {
    var texts = LearnedTexts()
    let lines = try JSONLines(path: path)
    var (coder, findings) = (coder, findings)
    let (most, refuses) = (context + 1, given.tooLong == .refuse)
    try lines.forEach { json, _ throws(LineError.Reason) in
      var text = try coder.text(of: try ConversationLine(json))
      findings.lines += 1
      findings.longest = max(findings.longest, text.tokens.count)
      if text.tokens.count > most {
        if refuses { throw Self.tooLong(text.tokens.count, most) }
        text.tokens.removeLast(text.tokens.count - most)
        text.isLearned.removeLast(text.isLearned.count - most)
        findings.truncated += 1
      }
      if text.learned == 0 { findings.unlearned += 1 } else { texts.append(text) }
    }
    (self.coder, self.findings) = (coder, findings)
    return texts
  }

  private static func tooLong(_ count: Int, _ most: Int) -> LineError.Reason {
    .init(
      "the conversation has \(count.grouped) tokens, and a row has room for \(most.grouped)",
      hint: "shorten it, compile the model with a longer context, or leave out --too-long refuse")
  }
}

/// Why there is nothing to learn from conversations.
enum ConversationsError: ExplainedError, Equatable {
  case tooFew(path: String, validates: Bool, context: Int, ConversationFindings)
  /// One alone, and none to validate on is named.
  case onlyOne(path: String)
  /// Neither the weights nor `--tokenizer` say what the tokens are.
  case noTokenizer(path: String)
  /// Options for conversations, and data that is none.
  case noConversations(path: String, option: String)

  var message: String {
    switch self {
    case .tooFew(let path, let validates, _, let findings):
      return "\(path): no conversation is left to \(validates ? "validate on" : "train on"), as "
        + "\(findings.unlearned.grouped) of \(findings.lines.of("line")) have nothing to learn"
    case .onlyOne(let path):
      return "\(path) has one conversation to learn from, too few for a part to validate on"
    case .noTokenizer(let path):
      return "\(path) has conversations, and nothing says how they become tokens"
    case .noConversations(let path, let option):
      return
        "\(option) is for conversations, and \(path) is a text: only FILE.jsonl is read as those"
    }
  }

  var hint: String {
    switch self {
    case .tooFew(_, _, let context, let findings):
      return findings.truncated == 0
        ? "a line needs an answer of the assistant's, or a completion; see --learn all"
        : "answers must begin within \(context.grouped) tokens; see --learn all"
    case .onlyOne: return "write at least two, or name others to validate on with --validation"
    case .noTokenizer:
      return "start from --weights that bring a tokenizer along, or name one with --tokenizer"
    case .noConversations(_, let option):
      return "leave \(option) out, or name conversations with --data"
    }
  }
}
