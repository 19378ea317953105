import GraphIR
import Testing

@testable import MoE

/// `Setting` in a model that is traced here, and what was chosen of it.
@Suite struct SettingTests {
  private enum Gate: String, CaseIterable { case softmax, sigmoid }

  /// A model with a setting of each kind.
  private static func body(_ text: Text) -> Tensor {
    let wide = Axis("W", Setting("width", 4, in: 2...8, help: "of the middle"))
    let scale = Setting("scale", 0.5)
    let word = Setting("form", "a", of: ["a", "b.1"])
    let gate = Setting("gate", Gate.sigmoid)
    let middle = text.embedded.linear("m", wide, bias: Setting("bias", false)) * scale
    let bent = gate == .softmax ? middle.softmax() : middle.sigmoid()
    return layers("l", 2, bent) { x in
      // Asked again for each layer.
      word == "a" ? x : x * Setting("power", 2.0)
    }.head
  }

  private static func given(_ words: [String]) -> [Settings.Given] {
    Settings.Given.read(["model"] + words.flatMap { ["--setting", $0] })
  }

  private func graph(_ words: [String]) throws -> Graph {
    try Settings.$given.withValue(Self.given(words)) { try trace(Self.body) }
  }

  private func found(_ words: [String], _ body: (Text) -> Tensor = body) -> [Diagnostic] {
    Settings.$given.withValue(Self.given(words)) { errors(body) }
  }

  @Test func areWhatTheModelSaysUnlessChosen() throws {
    let usual = try graph([])
    #expect(usual.settings.inShort == "width 4, scale 0.5, form a, gate sigmoid, bias false")
    #expect(usual.settings[0].location?.file == "SettingTests.swift")
    let chosen = try graph(["gate=softmax", "width=8", "bias=true", "form=b.1", "power=3"])
    #expect(
      chosen.settings.inShort
        == "width 8, scale 0.5, form b.1, gate softmax, bias true, power 3.0")
    #expect(chosen.settings.map(\.usual.description).prefix(4) == ["4", "0.5", "a", "sigmoid"])
    #expect(chosen.parameter("m.weight")?.axes.map(\.size) == [8, 12])
    #expect(chosen.parameter("m.bias") != nil && usual.parameter("m.bias") == nil)
    #expect(try Graph(parsing: chosen.text) == chosen)
  }

  @Test func whatIsWrongIsSaidAtTheSettingAndListsWhatThereIs() {
    let wrong = found(["width=9", "gate=relu", "experts=3", "scale=x"])
    #expect(
      wrong.map(\.message) == [
        "Setting: width cannot be \"9\"", "Setting: scale is a number, not \"x\"",
        "Setting: gate cannot be \"relu\"", "the model has no setting \"experts\"",
      ])
    #expect(wrong[0].hint == "width is a whole number from 2 to 8")
    #expect(wrong[2].hint == "gate is softmax or sigmoid")
    #expect(
      wrong[3].hint
        == "it has: width (a whole number from 2 to 8), scale (any number), form (a or b.1), "
        + "gate (softmax or sigmoid), bias (false or true)")
    #expect(wrong[0].location?.line == 12 && wrong[0].location?.column == 26)
    #expect(wrong[3].location == nil)
    let none = found(["experts=3"]) { $0.embedded.head }
    #expect(none.map(\.hint) == ["it has none: declare one with Setting(\"experts\", 8)"])
  }

  @Test func settingsThemselvesAreChecked() {
    let wrong = found([]) { text in
      _ = Setting("a b", 1)
      _ = Setting("range", 9, in: 1...8)
      _ = Setting("word", "c", of: ["a", "b"])
      _ = Setting("odd", "a", of: ["a", "b c"])
      _ = Setting("twice", 1)
      _ = Setting("twice", 2)
      _ = Setting("help", 1, help: "two\nlines")
      return text.embedded.head
    }
    #expect(
      wrong.map(\.message) == [
        "Setting: the name \"a b\" must be a letter followed by letters, digits, - and _",
        "Setting: range cannot be 9", "Setting: word cannot be c", "Setting: odd cannot be \"b c\"",
        "Setting: there are two of the name twice", "Setting: the help of help is not one line",
      ])
  }

  @Test func wordsOfTheCommandLineAreRead() {
    #expect(
      Settings.Given.read(["m", "--graph-descriptor", "3", "--setting", "a=b=c", "--setting", "x"])
        == [.init(name: "a", value: "b=c")])
    #expect(Settings.Given.read(["m", "--setting"]) == [])
  }
}
