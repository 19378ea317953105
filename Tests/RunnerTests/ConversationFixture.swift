import Foundation
import JSON
import ModelFixtures
import Tokenizer

@testable import Chat
@testable import Runner

/// What `Fixtures/make_conversation_fixtures.py` found out from transformers.
struct ConversationFixture: Decodable {
  struct Case: Decodable {
    var name: String
    /// Nil is that of the folder.
    var template: String?
    /// Of each conversation.
    var expected: [Expected]
  }

  struct Expected: Decodable {
    var tokens: [Int32]
    var mask: [Int]
  }

  /// Of roles and texts.
  var conversations: [[[String]]]
  var cases: [Case]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/conversations")

  static func read(_ name: String) throws -> ConversationFixture {
    try JSONDecoder().decode(
      ConversationFixture.self,
      from: try Data(contentsOf: folder.appendingPathComponent("\(name).json")))
  }

  /// The small byte-level tokenizer of 310 tokens.
  static func tokenizer() throws -> BytePairTokenizer {
    let bytes = Array(try Data(contentsOf: folder.appendingPathComponent("small.json")))
    let json = try JSON.parse(bytes)["tokenizer"] ?? .null
    return try BytePairTokenizer(json: Array(json.line.utf8), path: "tokenizer.json")
  }

  /// A folder with that tokenizer, one of the templates and the texts that it asks for, as an import leaves
  /// them beside weights.
  static func chatFolder(_ template: String = "chatml") throws -> String {
    let folder = try ModelFixture.folder()
    let text = try read("small").cases.first { $0.name == template }?.template
    let files = [
      "tokenizer.json": String(decoding: try tokenizer().json, as: UTF8.self),
      "tokenizer_config.json": #"{"bos_token": "<|bos|>", "eos_token": "<|end|>"}"#,
      "chat_template.jinja": text ?? "",
    ]
    for (name, text) in files {
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    return folder
  }

  static func files(_ template: String = "chatml") throws -> ChatFiles {
    try ChatFiles(beside: try chatFolder(template) + "/weights.safetensors")
  }
}

/// One line with these messages, of a role and a text each.
func line(_ messages: [[String]]) -> String {
  let texts = messages.map {
    "{\"role\":\(JSON.quoted($0[0])),\"content\":\(JSON.quoted($0[1]))}"
  }
  return "{\"messages\":[\(texts.joined(separator: ","))]}"
}
