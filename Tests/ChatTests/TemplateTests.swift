import Foundation
import Testing

@testable import Chat

/// What `Fixtures/make_templates.py` found out from transformers.
private struct Cases: Decodable, Sendable {
  struct Case: Decodable, CustomStringConvertible, Sendable {
    var name: String
    var template: String
    /// Of each conversation, without a prompt for the answer and with one; null where it is refused.
    var prompts: [[String?]]
    var description: String { name }
  }

  var conversations: [[[String]]]
  var facts: [String: String]
  var cases: [Case]

  static let all: Cases = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/templates.json")
    guard let data = try? Data(contentsOf: path),
      let cases = try? JSONDecoder().decode(Cases.self, from: data)
    else { return Cases(conversations: [], facts: [:], cases: []) }
    return cases
  }()
}

/// Chat templates, as transformers renders them.
@Suite struct TemplateTests {
  @Test func everyCaseIsThere() { #expect(Cases.all.cases.count == 6) }

  @Test(arguments: Cases.all.cases)
  private func renders(_ expected: Cases.Case) {
    for (conversation, prompts) in zip(Cases.all.conversations, expected.prompts) {
      let messages = conversation.map { ChatTemplate.Message(role: $0[0], content: $0[1]) }
      for (answers, prompt) in zip([false, true], prompts) {
        let found = try? ChatTemplate(expected.template)
          .prompt(messages, facts: Cases.all.facts, answers: answers)
        #expect(found == prompt, "\(messages)")
      }
    }
  }

  @Test(arguments: [
    ("{% if x %}", "endif is missing"), ("{% endif %}", "endif is not expected"),
    ("{{ 'a' ", "{{ is not closed"), ("{{ 1 + 'a' }}", "+ does not join a number and a text"),
    ("a\n{% macro f() %}", "line 2: the tag macro"), ("{{ x | sort }}", "undefined has no sort"),
    ("{{ nothing.more.than }}", "undefined has no member more"), ("{{ f(1) }}", "the function f"),
    ("{{ 1 % 0 }}", "divided by 0"), ("{{ 'a' is odd }}", "the test odd"),
    ("{% for a in 1 %}{% endfor %}", "a number is no list"),
    ("{{ raise_exception('no') }}", "refuses this: no"),
    ("{{ 9223372036854775807 + 1 }}", "too large"),
    (
      "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
      "it does not end"
    ),
    (
      "{{ " + String(repeating: "(", count: 99) + "1" + String(repeating: ")", count: 99) + " }}",
      "too deep"
    ),
  ])
  func mistakesAreNamed(_ template: String, _ expected: String) {
    let error = #expect(throws: TemplateError.self) {
      try ChatTemplate(template).prompt([.init(role: "user", content: "a")])
    }
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
  }
}
