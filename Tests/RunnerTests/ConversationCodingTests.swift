import Foundation
import JSON
import ModelFixtures
import SystemFiles
import Testing
import Tokenizer

@testable import Chat
@testable import Runner

/// Tokens of conversations, and which of them are learned.
@Suite struct ConversationCodingTests {
  private func check(
    _ fixture: ConversationFixture, _ name: String, _ tokenizer: BytePairTokenizer,
    _ files: ChatFiles
  ) throws {
    let found = try #require(fixture.cases.first { $0.name == name })
    var coder = ConversationCoder(.subwords(tokenizer), files, .answers)
    for (conversation, expected) in zip(fixture.conversations, found.expected) {
      let messages = conversation.map { ChatTemplate.Message(role: $0[0], content: $0[1]) }
      let text = try coder.text(of: .messages(messages, first: 0))
      #expect(text.tokens == expected.tokens)
      #expect(text.isLearned == expected.mask.map { $0 == 1 }, "\(name) \(conversation)")
    }
  }

  @Test("Tokens and masks are transformers'", arguments: ["chatml", "marked", "plain"])
  func small(_ name: String) throws {
    let fixture = try ConversationFixture.read("small")
    try check(
      fixture, name, try ConversationFixture.tokenizer(), try ConversationFixture.files(name))
  }

  private static let real = ProcessInfo.processInfo.environment["MOEC_SMOLLM2"]

  @Test(
    "So they are with SmolLM2's own template",
    .enabled(if: real != nil, "needs a folder with a model, named by MOEC_SMOLLM2"))
  func realModel() throws {
    let folder = try #require(Self.real)
    try check(
      try .read("smollm2"), "own", try BytePairTokenizer(path: folder + "/tokenizer.json"),
      try ChatFiles(beside: folder + "/model.safetensors"))
  }

  private func text(
    of json: String, _ learn: ConversationOptions.Learn = .answers, template: String = "chatml"
  ) throws -> (String, String) {
    let tokenizer = try ConversationFixture.tokenizer()
    var coder = ConversationCoder(
      .subwords(tokenizer), try ConversationFixture.files(template), learn)
    let text = try coder.text(of: try ConversationLine(try JSON.parse(Array(json.utf8))))
    func shown(_ isShown: (Bool) -> Bool) -> String {
      tokenizer.decode(
        zip(text.tokens, text.isLearned).filter { isShown($0.1) }.map(\.0), skippingSpecial: false)
    }
    return (shown { _ in true }, shown { $0 })
  }

  @Test(arguments: [
    (#"{"prompt":"two and","completion":" two"}"#, "two and two<|end|>", " two<|end|>"),
    (#"{"prompt":"","completion":"two<|end|>"}"#, "two<|end|>", "two<|end|>"),
    (#"{"text":"a sea"}"#, "a sea<|end|>", "a sea<|end|>"),
    (
      #"{"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"#
        + #""completion":[{"role":"assistant","content":"c"}]}"#,
      "<|start|>user\na<|end|>\n<|start|>assistant\nb<|end|>\n<|start|>assistant\nc<|end|>\n",
      "c<|end|>"
    ),
  ])
  func forms(_ json: String, _ whole: String, _ learned: String) throws {
    let found = try text(of: json)
    #expect(found == (whole, learned))
    let all = try text(of: json, .all)
    #expect(all == (whole, whole))
  }

  @Test func marksCountBehindThePromptAlone() throws {
    let json =
      #"{"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"#
      + #""completion":[{"role":"user","content":"d"},{"role":"assistant","content":"c"}]}"#
    #expect(try text(of: json, template: "marked").1 == "c<|end|>")
  }

  /// Where a normalizer changes the text, places of tokens are those that beginnings of it have.
  @Test func aNormalizedTextHasItsAnswersToo() throws {
    let plain = String(decoding: try ConversationFixture.tokenizer().json, as: UTF8.self)
    let lower = plain.replacing(
      /"normalizer":\s*null/, with: #""normalizer":{"type":"Lowercase"}"#)
    try #require(lower != plain)
    let tokenizer = try BytePairTokenizer(json: Array(lower.utf8), path: "t")
    #expect(tokenizer.places(of: tokenizer.encode("ABBA"), in: Array("ABBA".utf8)) == nil)
    var coder = ConversationCoder(
      .subwords(tokenizer), try ConversationFixture.files(), .answers)
    let found = try coder.text(
      of: .messages(
        [.init(role: "user", content: "HI"), .init(role: "assistant", content: "YES")], first: 0))
    let learned = zip(found.tokens, found.isLearned).filter(\.1).map(\.0)
    #expect(tokenizer.decode(learned, skippingSpecial: false) == "yes<|end|>")
  }

  @Test(arguments: [
    ("{", "no JSON object"), ("[]", "it is a list"), ("", "the line is empty"),
    ("{}", "the object is empty"), (#"{"text":""}"#, "text is empty"),
    (#"{"text":1}"#, "text is a number"),
    (#"{"conversations":[]}"#, #"the field "conversations" is not known"#),
    (#"{"messages":[],"id":3}"#, #"the field "id" is not known"#),
    (#"{"messages":[]}"#, "messages is empty"), (#"{"messages":"a"}"#, "messages is a string"),
    (#"{"messages":["a"]}"#, "message 1 of messages is a string"),
    (#"{"messages":[{"role":"user"}]}"#, "message 1 of messages has no text as its content"),
    (#"{"messages":[{"role":"human","content":"a"}]}"#, #"the role "human", which is not known"#),
    (#"{"messages":[{"role":"user","content":"a","name":"b"}]}"#, #"the field "name""#),
    (#"{"prompt":"a"}"#, "the fields prompt do not go together"),
    (#"{"prompt":"a","completion":""}"#, "completion is empty"),
    (#"{"prompt":"a","completion":[]}"#, "completion is a list, not a text"),
    (#"{"prompt":"a","completion":"b","text":"c"}"#, "do not go together"),
    ("{\"text\":\"\u{301}a\u{fffd}\"", "no JSON object"),
  ])
  func mistakesAreNamed(_ json: String, _ expected: String) throws {
    let path = try ModelFixture.folder() + "/data.jsonl"
    let good = #"{"text":"abc"}"#
    try "\(good)\n\(json)\n\(good)\n".write(toFile: path, atomically: true, encoding: .utf8)
    var reader = ConversationReader(
      .subwords(try ConversationFixture.tokenizer()), try ConversationFixture.files(), .init(),
      context: 8)
    let error = #expect(throws: LineError.self) { try reader.texts(of: path) }
    #expect(error?.message.hasPrefix("\(path):2: ") == true)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    #expect(error?.hint.isEmpty == false)
  }

  @Test func bytesThatAreNoTextAreNamed() throws {
    let path = try ModelFixture.folder() + "/data.jsonl"
    try Data(Array(#"{"text":"a"}"#.utf8) + [0xa] + [0x7b, 0xff, 0x7d, 0xa]).write(
      to: URL(fileURLWithPath: path))
    #expect(throws: LineError.self) { try JSONLines(path: path).forEach { _, _ in } }
    try Data().write(to: URL(fileURLWithPath: path))
    #expect(throws: CorpusError.empty(path: path)) { try JSONLines(path: path) }
  }

  /// A template that writes an answer otherwise once more follows cannot say where it is.
  @Test func aTemplateThatChangesItsMindIsRefused() throws {
    let path = try ModelFixture.folder() + "/t.jinja"
    let template = "{% for m in messages %}{{ m.content if loop.last else 'x' }};{% endfor %}"
    try template.write(toFile: path, atomically: true, encoding: .utf8)
    var coder = ConversationCoder(
      .subwords(try ConversationFixture.tokenizer()),
      try ChatFiles(beside: nil, template: path), .answers)
    let messages = ["user", "assistant", "user"].map {
      ChatTemplate.Message(role: $0, content: "two")
    }
    let error = #expect(throws: LineError.Reason.self) {
      try coder.text(of: .messages(messages, first: 0))
    }
    #expect(error?.text.contains("before message 2") == true)
    let none = try ChatFiles(beside: nil)
    var without = ConversationCoder(
      .subwords(try ConversationFixture.tokenizer()), none, .answers)
    let missing = #expect(throws: LineError.Reason.self) {
      try without.text(of: .messages(messages, first: 0))
    }
    #expect(missing?.hint.contains("--template") == true)
  }

  /// Characters are tokens of one scalar each.
  @Test func charactersAreTokensToo() throws {
    let coding = TextCoding.characters(Vocabulary(of: Array("abé ".unicodeScalars)))
    var coder = ConversationCoder(coding, try ChatFiles(beside: nil), .answers)
    let text = try coder.text(of: .completion(prompt: "é ", completion: "ab"))
    #expect(text.tokens == [3, 0, 1, 2] && text.isLearned == [false, false, true, true])
    #expect(throws: LineError.Reason.self) { try coder.text(of: .text("x")) }
  }
}
