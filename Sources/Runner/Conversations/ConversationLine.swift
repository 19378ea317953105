import Chat
import JSON

/// What one line of a file of conversations says.
enum ConversationLine: Equatable {
  /// Messages; answers are learned from number `first` on.
  case messages([ChatTemplate.Message], first: Int)
  /// Texts of which the second is to follow the first.
  case completion(prompt: String, completion: String)
  /// A text that is learned as a whole.
  case text(String)

  private static let forms =
    #"{"messages": [{"role": "user", "content": "…"}, …]}, {"prompt": "…", "completion": "…"} or {"text": "…"}"#

  /// Errors: other fields, roles or kinds of values than those; nothing to learn.
  init(_ line: JSON) throws(LineError.Reason) {
    let names = Set((line.members ?? []).map(\.name))
    switch names {
    case ["messages"]:
      self = .messages(try Self.messages(line["messages"], "messages"), first: 0)
    case ["prompt", "completion"]: self = try Self.pair(line["prompt"], line["completion"])
    case ["text"]: self = .text(try Self.text(line["text"], "text", mayBeEmpty: false))
    case _: throw Self.unknown(names)
    }
  }

  private static func unknown(_ names: Set<String>) -> LineError.Reason {
    let known: Set = ["messages", "prompt", "completion", "text"]
    let strange = names.subtracting(known).sorted()
    if names.isEmpty { return .init("the object is empty", hint: "write \(forms)") }
    if let name = strange.first {
      let rest = names.intersection(known).sorted()
      let hint =
        rest.isEmpty
        ? "write \(forms)"
        : "take it out, for instance with: jq -c '{\(rest.joined(separator: ", "))}' OLD.jsonl > NEW.jsonl"
      return .init("the field \(JSON.quoted(name, isForTerminal: true)) is not known", hint: hint)
    }
    return .init(
      "the fields \(names.sorted().joined(separator: ", ")) do not go together",
      hint: "write \(forms)")
  }

  private static func pair(
    _ prompt: JSON?, _ completion: JSON?
  ) throws(LineError.Reason) -> ConversationLine {
    if case .array? = prompt {
      let before = try messages(prompt, "prompt")
      let all = before + (try messages(completion, "completion"))
      return .messages(all, first: before.count)
    }
    return .completion(
      prompt: try text(prompt, "prompt", mayBeEmpty: true),
      completion: try text(completion, "completion", mayBeEmpty: false))
  }

  private static func text(
    _ value: JSON?, _ name: String, mayBeEmpty: Bool
  ) throws(LineError.Reason) -> String {
    guard let text = value?.name else {
      throw .init("\(name) is \((value ?? .null).kind), not a text", hint: "write \(forms)")
    }
    if text.isEmpty, !mayBeEmpty {
      throw .init("\(name) is empty", hint: "take the line out: nothing is to be learned from it")
    }
    return text
  }

  // MARK: - Messages

  private static let roles = ["system", "developer", "user", "assistant", "tool"]

  private static func messages(
    _ value: JSON?, _ name: String
  ) throws(LineError.Reason) -> [ChatTemplate.Message] {
    guard let elements = value?.elements else {
      throw .init(
        "\(name) is \((value ?? .null).kind), not a list of messages", hint: "write \(forms)")
    }
    if elements.isEmpty {
      throw .init("\(name) is empty", hint: "take the line out, or write messages into it")
    }
    var messages: [ChatTemplate.Message] = []
    for (index, element) in elements.enumerated() {
      messages.append(try message(element, "message \(index + 1) of \(name)"))
    }
    return messages
  }

  private static func message(
    _ value: JSON, _ place: String
  ) throws(LineError.Reason) -> ChatTemplate.Message {
    let form = #"a message is {"role": "user", "content": "…"}"#
    guard let members = value.members else {
      throw .init("\(place) is \(value.kind)", hint: form)
    }
    if let other = members.first(where: { !["role", "content"].contains($0.name) }) {
      let name = JSON.quoted(other.name, isForTerminal: true)
      throw .init("\(place) has the field \(name), which is not known", hint: form)
    }
    guard let role = value["role"]?.name, let content = value["content"]?.name else {
      let missing = value["role"]?.name == nil ? "role" : "content"
      throw .init("\(place) has no text as its \(missing)", hint: form)
    }
    guard roles.contains(role) else {
      throw .init(
        "\(place) has the role \(JSON.quoted(role, isForTerminal: true)), which is not known",
        hint: "known are \(roles.joined(separator: ", "))")
    }
    return .init(role: role, content: content)
  }
}
