import JSON

/// A question with some answers to choose from, as a line of a file has it.
public struct ChoiceQuestion: Equatable, Sendable {
  /// The line, from 1.
  public var line: Int
  public var question: String
  public var choices: [String]
  /// Which of them is right, from 0.
  public var answer: Int
}

extension ChoiceQuestion {
  private static let questionNames = ["question", "query", "ctx", "goal", "question_stem"]
  private static let answerNames = ["answer", "label", "answerKey", "gold"]
  private static let form =
    #"write {"question": "…", "choices": ["…", "…"], "answer": 0}, or as sets name it: "#
    + "query, ctx, goal, question_stem; endings, sol1 and sol2; label, answerKey, gold"

  /// Other fields are passed over. Errors: no question, fewer than two choices, no answer that is one of them.
  init(_ json: JSON, line: Int) throws(LineError.Reason) {
    self.line = line
    question = try Self.question(json)
    let (texts, labels) = try Self.choices(json)
    choices = texts
    guard choices.count > 1 else {
      throw .init("there is nothing to choose from", hint: "a question has at least two choices")
    }
    answer = try Self.answer(json, texts, labels)
  }

  /// Errors: none, or two that differ.
  private static func question(_ json: JSON) throws(LineError.Reason) -> String {
    let names = questionNames.filter { json[$0] != nil }
    guard let first = names.first else { throw .init("there is no question", hint: form) }
    let question = try text(json[first], first)
    for name in names.dropFirst() where json[name]?.name != question {
      throw .init(
        "\(first) and \(name) are both a question, and differ",
        hint: "leave in the one that is to be asked")
    }
    return question
  }

  /// Errors: none, one that is no choice, or two that differ.
  private static func answer(
    _ json: JSON, _ texts: [String], _ labels: [String]
  ) throws(LineError.Reason) -> Int {
    let names = answerNames.filter { json[$0] != nil }
    guard let first = names.first, let value = json[first] else {
      throw .init("there is no answer", hint: form)
    }
    guard let found = place(of: value, texts, labels) else {
      throw .init(
        "\(first) is none of the \(texts.count) choices",
        hint: "an answer is a choice's text, its letter or its number from 0")
    }
    // What is no answer by another of the names is something else, and passed over.
    for name in names.dropFirst() {
      if let other = json[name].flatMap({ place(of: $0, texts, labels) }), other != found {
        throw .init(
          "\(first) and \(name) are both an answer, and differ", hint: "leave in the right one")
      }
    }
    return found
  }

  /// All questions of a file. Errors: it cannot be read; the first line that is no question.
  public static func all(in path: String) throws -> [ChoiceQuestion] {
    var questions: [ChoiceQuestion] = []
    try JSONLines(path: path).forEach { json, line throws(LineError.Reason) in
      questions.append(try ChoiceQuestion(json, line: line))
    }
    return questions
  }

  private static func text(_ value: JSON?, _ name: String) throws(LineError.Reason) -> String {
    guard let text = value?.name else {
      throw .init("\(name) is \((value ?? .null).kind), not a text", hint: form)
    }
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw .init("\(name) is empty", hint: "take the line out, or write a text into it")
    }
    return text
  }

  /// Texts, and labels where there are some: a list, two solutions, or an object with both.
  private static func choices(
    _ json: JSON
  ) throws(LineError.Reason) -> (texts: [String], labels: [String]) {
    if json["sol1"] != nil, json["sol2"] != nil {
      return ([try text(json["sol1"], "sol1"), try text(json["sol2"], "sol2")], [])
    }
    guard let name = ["choices", "endings"].first(where: { json[$0] != nil }) else {
      throw .init("there are no choices", hint: form)
    }
    let labels = json[name]?["label"]?.elements?.map { $0.name ?? "" } ?? []
    guard let elements = (json[name]?["text"] ?? json[name])?.elements else {
      throw .init("\(name) is \((json[name] ?? .null).kind), not a list of texts", hint: form)
    }
    var texts: [String] = []
    for (index, element) in elements.enumerated() {
      texts.append(try text(element, "choice \(index)"))
    }
    if !labels.isEmpty, labels.count != texts.count || Set(labels).count < labels.count {
      throw .init(
        "\(labels.count) labels of \(texts.count) choices are not one for each",
        hint: "each choice has a label of its own, a text")
    }
    return (texts, labels)
  }

  /// A number from 0; a label; a choice's text; a letter; or a number as a text.
  private static func place(of answer: JSON, _ texts: [String], _ labels: [String]) -> Int? {
    if let number = answer.whole { return texts.indices.contains(number) ? number : nil }
    guard let text = answer.name else { return nil }
    if !labels.isEmpty { return labels.firstIndex(of: text) }
    if let place = texts.firstIndex(of: text) { return place }
    var number = Int(text)
    if text.utf8.count == 1, let byte = text.uppercased().utf8.first, (65...90).contains(byte) {
      number = Int(byte) - 65
    }
    return number.flatMap { texts.indices.contains($0) ? $0 : nil }
  }
}
