import Foundation
import ModelFixtures
import Testing

@testable import moec

/// Words that are nearly right.
@Suite struct SuggestionTests {
  @Test(arguments: [
    (["compil", "model.swift"], "compile"), (["rnu"], "run"), (["tokenizer", "trian"], "train"),
    (["run", "x.so", "--trian"], "--train"), (["run", "x.so", "--train", "--step=3"], "--steps"),
    (["compile", "--sumary"], "--summary"), (["weights", "convrt"], "convert"),
    (["new", "a", "--model", "gtp2"], "gpt2"),
    (["run", "x.so", "--train", "--schedule", "cosin"], "cosine"),
    (["run", "x.so", "--stpes", "3"], "--steps"), (["help", "cmpile"], "compile"),
    (["help", "tokenizer", "shrad"], "shard"), (["run", "x.so", "-train"], "--train"),
    (["run", "x.so", "-trian"], "--train"), (["inspect", "x.so", "summary"], "--summary"),
    (["version"], "--version"),
  ])
  func namesWhatWasMeant(_ arguments: [String], _ meant: String) throws {
    let result = try Command.moec(arguments)
    #expect(result.status == 64)
    #expect(result.errors.hasSuffix("hint: did you mean '\(meant)'?\n"), "\(result.errors)")
  }

  @Test(arguments: [
    ["elephant"], ["run", "x.so", "--elephant"], ["run"], ["run", "x.so"],
    ["new", "a", "--model", "elephant"], ["plot", "--htlm"], ["run", "x.so", "--steps", "-5"],
    ["compile", "-o"],
  ])
  func saysNothingWhereNothingIsNear(_ arguments: [String]) throws {
    let result = try Command.moec(arguments)
    #expect(result.status == 64 && !result.errors.contains("did you mean"), "\(result.errors)")
  }

  @Test(arguments: [
    (["train"], "'moec run' does so with --train: see moec run --help"),
    (["generate", "x.so"], "'moec run' does so with --generate: see moec run --help"),
    (["new", "-x"], "there is no option -x; a name that begins so is written ./-x"),
  ])
  func saysHowItIsTyped(_ arguments: [String], _ hint: String) throws {
    let result = try Command.moec(arguments)
    #expect(result.status == 64 && result.errors.hasSuffix("hint: \(hint)\n"), "\(result.errors)")
  }

  @Test func oneThingIsLookedAt() throws {
    let two = try Command.moec(["inspect", "x.so", "--summary", "--memory"])
    #expect(two.status == 64 && two.errors.hasPrefix("error: give no more than one of"), "\(two)")
    let none = try Command.moec(["inspect", "x.so"])
    #expect(none.status == 64 && none.errors.hasPrefix("error: say what to look at"), "\(none)")
  }

  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("train", "train", 0), ("trian", "train", 1), ("steps", "step", 1),
    ("abc", "xyz", 3), ("kitten", "sitting", 3),
  ])
  func distances(_ first: String, _ second: String, _ distance: Int) {
    #expect(Spelling.distance(first, second) == distance)
    #expect(Spelling.distance(second, first) == distance)
  }

  @Test func aNameThatReadsAsOptionsIsSaid() throws {
    let folder = try ModelFixture.folder()
    try "".write(toFile: "\(folder)/-dash.swift", atomically: true, encoding: .utf8)
    let result = try Command.moec(["compile", "-dash.swift"], in: folder)
    #expect(result.status == 64 && result.errors.contains("write ./-dash.swift"), "\(result)")
  }

  @Test func theModulesNameMayBeMisspelled() throws {
    let folder = try ModelFixture.folder()
    try "import Moe\n".write(toFile: "\(folder)/model.swift", atomically: true, encoding: .utf8)
    let result = try Command.moec(["check", "model.swift"], in: folder)
    #expect(
      result.errors
        == "model.swift:1:8: error: no such module 'Moe'\n  hint: the module's name is MoE: import MoE\n"
    )
  }

  /// One error instead of one for each name.
  @Test func aModelWithoutTheImportIsToldSo() throws {
    let folder = try ModelFixture.folder()
    for (source, isTold) in [
      ("// import MoE\nlet V = Axis(\"V\", 5)\n", true),
      ("import MoE\nlet V = Axiz(\"V\", 5)\n", false),
    ] {
      try source.write(toFile: "\(folder)/model.swift", atomically: true, encoding: .utf8)
      let result = try Command.moec(["check", "model.swift"], in: folder)
      #expect(result.status == 1)
      let text =
        "model.swift:1:1: error: the model does not import MoE\n  hint: begin the file with: import MoE\n"
      #expect((result.errors == text) == isTold, "\(result.errors)")
    }
  }
}
