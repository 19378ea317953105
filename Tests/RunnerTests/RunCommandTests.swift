import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

/// The command line as a user meets it.
@Suite struct RunCommandTests {
  private let quick = ["--steps", "3", "--eval-batches", "2", "--threads", "1"]

  private func train(_ more: [String] = [], in folder: String? = nil) throws -> Command {
    let text = try fileWith(sampleText())
    return try Command.moec(
      ["run", try ModelFixture.bigram(), "--train", "--data", text] + quick + more, in: folder)
  }

  @Test func trainsSavesEvaluatesAndGenerates() throws {
    let folder = try ModelFixture.folder()
    let weights = folder + "/w.safetensors"
    let trained = try train(["--save", weights, "--log", folder + "/l.jsonl"])
    #expect(trained.status == 0)
    let lines = trained.output.split(separator: "\n")
    try #require(lines.count == 2, "\(trained.errors)")
    #expect(lines[0].wholeMatch(of: /step 0: train loss \d\.\d{4}, val loss \d\.\d{4}/) != nil)
    #expect(lines[1].hasPrefix("step 2: "))
    #expect(trained.errors.contains("216 parameters"))
    #expect(!trained.errors.contains("\u{1b}"), "no terminal, no progress line")
    #expect(
      try Set(FileManager.default.contentsOfDirectory(atPath: folder))
        == ["w.safetensors", "w.best.safetensors", "l.jsonl", "l.settings.json"])

    let library = try ModelFixture.bigram()
    let text = try fileWith(sampleText())
    let evaluated = try Command.moec(
      ["run", library, "--evaluate", "--data", text, "--weights", weights, "--eval-batches", "2"])
    #expect(evaluated.status == 0)
    let pattern =
      /train loss (\d\.\d{4}), val loss \d\.\d{4}\nperplexity: train ([\d.]+), val [\d.]+\n/
    let found = try #require(evaluated.output.wholeMatch(of: pattern), "\(evaluated.output)")
    let (loss, perplexity) = (Double(found.output.1) ?? 0, Double(found.output.2) ?? 0)
    #expect(abs(exp(loss) - perplexity) < 2e-3 * perplexity)

    // No text is at hand here: the characters come with the weights.
    let generated = try Command.moec(
      [
        "run", library, "--generate", "--weights", weights, "--prompt", "bad", "--tokens", "20",
        "--temperature", "0.8", "--top-k", "5",
      ], in: folder)
    #expect(generated.status == 0)
    #expect(generated.output.hasPrefix("bad"))
    #expect(generated.output.count == 24)
    #expect(generated.errors == "")
  }

  @Test func generatesFromFreshParametersWithTheTextsCharacters() throws {
    let text = try fileWith(sampleText())
    let result = try Command.moec(
      ["run", try ModelFixture.bigram(), "--generate", "--data", text, "--tokens", "9"])
    #expect(result.status == 0)
    #expect(result.output.count == 10)
  }

  @Test func saysThatAConstantRateHasNoLastOne() throws {
    let trained = try train(["--final-learning-rate", "1e-5"])
    #expect(trained.status == 1)
    #expect(
      trained.errors.hasSuffix(
        """
        error: --final-learning-rate is of no use with a constant schedule
        hint: add --schedule cosine, linear or wsd

        """), "\(trained.errors)")
  }

  @Test func resumes() throws {
    let folder = try ModelFixture.folder()
    let whole = try train(["--save", folder + "/whole", "--steps", "30"])
    #expect(whole.status == 0)
    #expect(try train(["--save", folder + "/part", "--steps", "10"]).status == 0)
    let resumed = try train(
      ["--resume", folder + "/part", "--save", folder + "/part", "--steps", "30"])
    #expect(resumed.output.hasPrefix("step 29: "))
    #expect(whole.output.hasSuffix(resumed.output))
    #expect(try tensorBytes(folder + "/whole") == tensorBytes(folder + "/part"))
  }

  @Test func readsATextFromAPipe() throws {
    let text = try fileWith(sampleText())
    let result = try Command.shell(
      "cat \"$1\" | \"$0\" run \"$2\" --evaluate --eval-batches 1 --data /dev/stdin",
      [text, try ModelFixture.bigram()])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("train loss "))
  }

  @Test func findsTheUsualText() throws {
    let folder = try ModelFixture.folder()
    let arguments = ["run", try ModelFixture.bigram(), "--train"] + quick
    let without = try Command.moec(arguments, in: folder)
    expectFailure(without, "no text was given, and Data/shakespeare.txt is not in the current")
    try FileManager.default.createDirectory(
      atPath: folder + "/Data", withIntermediateDirectories: false)
    try sampleText().write(
      toFile: folder + "/Data/shakespeare.txt", atomically: true, encoding: .utf8)
    #expect(try Command.moec(arguments, in: folder).status == 0)
  }

  @Test(
    arguments: [
      ["--steps", "-5"], ["--steps", "0"], ["--steps", "many"],
      ["--steps", "99999999999999999999"],
      ["--learning-rate", "-1"], ["--learning-rate", "nan"], ["--learning-rate", "1e30"],
      ["--eval-interval", "0"], ["--eval-batches", "-1"], ["--seed", "-1"], ["--threads", "0"],
      ["--threads", "-2"], ["--threads", "1000000"], ["--tokens", "5"], ["--prompt", "a"],
      ["--weights", "a", "--resume", "b"], ["--evaluate"], ["--no-such-option"], ["surplus"],
    ])
  func refusesWrongUsage(_ arguments: [String]) throws {
    let result = try Command.moec(["run", "absent.so", "--train"] + arguments)
    #expect(result.status == 64)
    #expect(result.errors.hasPrefix("error: "))
    #expect(result.errors.contains(arguments[0].hasPrefix("--") ? arguments[0] : "surplus"))
    #expect(result.output == "")
  }

  @Test(
    arguments: [
      ["--temperature", "-1"], ["--temperature", "inf"], ["--top-k", "0"], ["--tokens", "-3"],
      ["--steps", "5"], ["--save", "x"], ["--resume", "x"], ["--log", "x"],
    ])
  func refusesWrongUsageOfGeneration(_ arguments: [String]) throws {
    let result = try Command.moec(["run", "absent.so", "--generate"] + arguments)
    #expect(result.status == 64)
    #expect(result.errors.contains(arguments[0]))
  }

  @Test func needsAModeAndALibrary() throws {
    #expect(try Command.moec(["run", "absent.so"]).status == 64)
    #expect(try Command.moec(["run", "--train"]).status == 64)
  }

  @Test func refusesWhatIsNoModel() throws {
    let text = try fileWith("no library")
    expectFailure(try Command.moec(["run", "absent.so", "--train"]), "cannot read absent.so")
    expectFailure(try Command.moec(["run", text, "--train"]), "is not a library")
    for (fixture, message) in [
      ("version", "has version 2 of the model interface, not 1"),
      ("not-a-model", "is a library but not a moec model"),
      ("manifest-no-name", "name is missing"),
    ] {
      let path = try ModelFixture.broken(fixture)
      expectFailure(try Command.moec(["run", path, "--generate"]), message)
    }
  }

  @Test func refusesTextsThatDoNotFit() throws {
    let library = try ModelFixture.bigram()
    for (text, message) in [
      ("", "is empty"), ("abc", "is too short: it has 3 characters"),
      (sampleText() + "xyz", "has 15 distinct characters, the model was compiled for 12"),
    ] {
      let path = try fileWith(text)
      expectFailure(try Command.moec(["run", library, "--train", "--data", path]), message)
      expectFailure(try Command.moec(["run", library, "--evaluate", "--data", path]), message)
    }
  }

  @Test func refusesAPromptOutsideTheVocabulary() throws {
    let text = try fileWith(sampleText())
    let result = try Command.moec(
      ["run", try ModelFixture.bigram(), "--generate", "--data", text, "--prompt", "Hi\n!"])
    expectFailure(result, "characters outside the model's vocabulary: '!' (U+0021), 'H' (U+0048)")
    #expect(result.output == "")
  }

  @Test func refusesWeightsOfAnotherModelAndShowsNoControlCharacters() throws {
    let folder = try ModelFixture.folder()
    let wide = try Command.moec(
      [
        "run", try ModelFixture.wide(), "--train", "--save", folder + "/wide", "--data",
        try fileWith(sampleText()),
      ] + quick)
    #expect(wide.status == 0)
    let unfit = try train(["--weights", folder + "/wide"])
    expectFailure(unfit, "token has the shape [40, 6], not [12, 6]")
    expectFailure(unfit, "expert.weight has the shape [2, 40, 6], not [2, 12, 6]")
    try Safetensors.write(
      [.init(name: "evil\n\u{1b}[2Jname", shape: [1]) { [0] }], metadata: [:],
      to: folder + "/evil")
    let evil = try train(["--weights", folder + "/evil"])
    expectFailure(evil, #"evil\n\u{1B}[2Jname is not in the model"#)
  }

  /// `ulimit -f` stands in for a full disk: 8 blocks are less than the file in either unit.
  @Test func leavesTheOldFileWhenThereIsNoSpace() throws {
    let folder = try ModelFixture.folder()
    let weights = folder + "/w.safetensors"
    try Safetensors.write(
      [.init(name: "precious", shape: [1]) { [7] }], metadata: [:], to: weights)
    let precious = try Data(contentsOf: URL(fileURLWithPath: weights))
    let text = try fileWith(sampleText())
    let result = try Command.shell(
      "ulimit -f 8; \"$0\" \"$@\"",
      ["run", try ModelFixture.wide(), "--train", "--data", text, "--save", weights, "--overwrite"]
        + quick)
    expectFailure(result, "cannot write \(folder)/w.best.safetensors: File too large")
    #expect(try Data(contentsOf: URL(fileURLWithPath: weights)) == precious)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["w.safetensors"])
  }

  /// What is beside training does not stop it: it is said once, and everything is saved.
  @Test(arguments: [
    ("--log /dev/full", "note: cannot write /dev/full: no space left; training goes on"),
    ("> /dev/full", "note: cannot write standard output: no space left; the run goes on"),
    (">&-", "note: cannot write standard output: Bad file descriptor; the run goes on"),
    ("| head -1", "note: cannot write standard output: Broken pipe; the run goes on"),
    ("2> /dev/full", ""), ("2>&-", ""),
  ])
  func goesOnWhenNobodyTakesWhatItTells(end: String, note: String) throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(sampleText())
    let result = try Command.shell(
      "\"$0\" run \"$1\" --train --data \"$2\" --steps 4000 --eval-interval 100 --eval-batches 2 "
        + "--threads 1 --save w --log log \(end)",
      [try ModelFixture.bigram(), text], in: folder)
    #expect(note.isEmpty || result.errors.contains(note), "\(result.errors)")
    #expect(result.errors.components(separatedBy: "cannot write").count <= 2, "said once")
    let manifest = try ModelLibrary(path: ModelFixture.bigram()).manifest
    let saved = try Checkpoint(path: folder + "/w", contents: .training, manifest: manifest)
    #expect(saved.notes.step == 4000)
    if !end.hasPrefix("--log") {
      let log = try String(contentsOfFile: folder + "/log", encoding: .utf8)
      #expect(log.split(separator: "\n").count == 41)
      #expect(log.split(separator: "\n").allSatisfy { $0.hasPrefix("{\"step\":") })
    }
  }

  /// Exit code 1, one line that says what is wrong and one that says what to do.
  private func expectFailure(
    _ result: Command, _ message: String, at location: SourceLocation = #_sourceLocation
  ) {
    #expect(result.status == 1, sourceLocation: location)
    let lines = result.errors.split(separator: "\n").drop { !$0.hasPrefix("error: ") }
    #expect(lines.count == 2, "\(result.errors)", sourceLocation: location)
    #expect(
      lines.first?.contains(message) == true, "\(result.errors)", sourceLocation: location)
    #expect(lines.last?.hasPrefix("hint: ") == true, sourceLocation: location)
  }
}
