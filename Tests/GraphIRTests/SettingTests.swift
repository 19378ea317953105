import Testing

@testable import GraphIR

/// Settings in a graph's text, what they take, and before the verifier.
@Suite struct SettingTests {
  private static let lines = """
    setting "experts" whole 16 usual 8 in 2 to 64 help "of a \\"layer\\"" @ m.swift:3:9
    setting "any-count" whole -3 usual 0
    setting "dropout" number 0.25 usual 0.1 in 0.0 to 0.5
    setting "rate" number 1e-05 usual 2.0
    setting "gate" word "relu" usual "silu" of "relu" "silu"

    """

  private static func text(_ lines: String = lines) -> String {
    Graph.small.text.replacing("\nforward\n", with: "\n\(lines)forward\n", maxReplacements: 1)
  }

  @Test func textPrintsAndParses() throws {
    let graph = try Graph(parsing: Self.text())
    try Verifier.verify(graph)
    #expect(graph.text == Self.text())
    #expect(
      graph.settings.inShort
        == "experts 16, any-count -3, dropout 0.25, rate 1e-05, gate relu")
    #expect(graph.settings[0].help == "of a \"layer\"" && graph.settings[0].location?.line == 3)
    #expect(graph.settings.map(\.choices).last == .words(["relu", "silu"]))
  }

  @Test(arguments: [
    ("whole 16 usual 8 in 2", "bool 16 usual 8 in 2", "unknown kind of setting bool"),
    ("whole 16 usual 8 in 2", "whole 1.5 usual 8 in 2", "1.5 is no whole number"),
    ("in 2 to 64", "in 65 to 64", "65 is above 64"),
    ("in 0.0 to 0.5", "in nan to 0.5", "nan is above 0.5"),
    ("of \"relu\"", "in \"relu\"", "expected \"of\""),
    ("number 0.25 usual", "number usual", "expected a number"),
  ])
  func malformedLinesAreErrors(old: String, new: String, expected: String) {
    let text = Self.text(Self.lines.replacing(old, with: new))
    let error = #expect(throws: Diagnostic.self) { try Graph(parsing: text) }
    #expect(error?.message.contains(expected) == true, "\(String(describing: error))")
  }

  @Test(arguments: [
    ("whole 16", "whole 65", "the setting experts cannot be 65"),
    ("number 0.25", "number inf", "the setting dropout cannot be inf"),
    ("word \"relu\"", "word \"elu\"", "the setting gate cannot be elu"),
    ("\"rate\"", "\"gate\"", "two settings are named \"gate\""),
  ])
  func verifierKnowsWhatASettingMayBe(old: String, new: String, expected: String) throws {
    let graph = try Graph(parsing: Self.text(Self.lines.replacing(old, with: new)))
    let error = #expect(throws: Diagnostic.self) { try Verifier.verify(graph) }
    #expect(error?.message == expected)
  }

  @Test func valuesAreOfTheirKind() throws {
    let settings = try Graph(parsing: Self.text()).settings
    #expect(try settings[0].value(of: "2") == .whole(2))
    #expect(try settings[2].value(of: "5e-1") == .number(0.5))
    #expect(try settings[4].value(of: "silu") == .word("silu"))
    for (index, text, message) in [
      (0, "65", "experts cannot be \"65\""), (0, "1.0", "experts is a whole number, not \"1.0\""),
      (1, "9007199254740993", "any-count is a whole number, not \"9007199254740993\""),
      (2, "nan", "dropout is a number, not \"nan\""), (2, "0.6", "dropout cannot be \"0.6\""),
      (4, "Relu", "gate cannot be \"Relu\""),
    ] {
      let error = #expect(throws: Mismatch.self) { try settings[index].value(of: text) }
      #expect(error?.message == message)
      #expect(error?.hint == "\(settings[index].name) is \(settings[index].kind)")
    }
    #expect(settings[0].kind == "a whole number from 2 to 64" && settings[4].kind == "relu or silu")
  }
}
