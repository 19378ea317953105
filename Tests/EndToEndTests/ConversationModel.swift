import CompiledModels
import Foundation
import ModelFixtures

/// A small Llama that learns from conversations, its tokenizer, its template, and what it learns from.
enum ConversationModel {
  static let context = 48

  static let source = """
    import MoE

    let V = Axis("V", 310), T = Axis("T", \(context)), B = Axis("B", 2), C = Axis("C", 16)

    func block(_ x: Tensor) -> Tensor {
        let n = x.rmsNorm("norm")
        let q = n.linear("q", C, bias: false).heads(2).rotary()
        let k = n.linear("k", C, bias: false).heads(2).rotary()
        let v = n.linear("v", C, bias: false).heads(2)
        let h = x + attention(q, k, v).mergedHeads().linear("o", C, bias: false)
        return h + h.rmsNorm("inner").linear("up", 2 * C).relu().linear("down", C)
    }

    LanguageModel("chatty", vocabulary: V, context: T, batch: B,
                  optimizer: .adamW(learningRate: 1e-2)) { text in
        let x = text.tokens.embedding("token", C)
        return layers("block", 2, x, block).rmsNorm("final").linear("head", V)
    }

    """

  /// Roles and texts, and what the template makes of each: tokens, and 1 for those that are learned.
  struct Expected: Decodable {
    struct Case: Decodable {
      struct Texts: Decodable {
        var tokens: [Int32]
        var mask: [Int]
      }

      var name: String
      var template: String
      var expected: [Texts]
    }

    var conversations: [[[String]]]
    var cases: [Case]
  }

  static let expected = Result { try JSONDecoder().decode(Expected.self, from: fixture()) }

  private static func fixture() throws -> Data {
    try Data(
      contentsOf: Moec.repository.appendingPathComponent("Tests/Fixtures/conversations/small.json"))
  }

  /// A folder with libchatty.so, tokenizer.json, tokenizer_config.json, chat_template.jinja and chats.jsonl: the
  /// fixture's conversations three times over, but for the one without an answer.
  static let folder = Result {
    let folder = try SmallModelFile.folder(source)
    let result = try Moec.run(
      ["compile", "model.swift", "-o", "libchatty.so"] + options, in: folder)
    guard result.status == 0 else { throw EndToEndFailure(text: result.errors) }
    let whole = try JSONSerialization.jsonObject(with: fixture()) as? [String: Any]
    let tokenizer = try JSONSerialization.data(withJSONObject: whole?["tokenizer"] ?? [:])
    try tokenizer.write(to: URL(fileURLWithPath: folder + "/tokenizer.json"))
    let template = try expected.get().cases.first { $0.name == "chatml" }?.template ?? ""
    let files = [
      "chat_template.jinja": template, "chats.jsonl": try lines(times: 3),
      "tokenizer_config.json": #"{"bos_token": "<|bos|>", "eos_token": "<|end|>"}"#,
    ]
    for (name, text) in files {
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    return folder
  }

  private static let options: [String] = []

  private static func lines(times: Int) throws -> String {
    let answered = try expected.get().conversations.filter { $0.contains { $0[0] == "assistant" } }
    let lines = try answered.map { conversation in
      let messages = conversation.map { ["role": $0[0], "content": $0[1]] }
      let data = try JSONSerialization.data(withJSONObject: ["messages": messages])
      return String(decoding: data, as: UTF8.self) + "\n"
    }
    return String(repeating: lines.joined(), count: times)
  }
}
