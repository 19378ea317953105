import Foundation
import ModelFixtures
import Testing

/// What is said of options that do nothing, and how files are found from other folders.
@Suite struct RunSettingsTests {
  private let folder: String

  init() throws {
    folder = try ModelFixture.folder()
    let text = String(repeating: "abc bad ace cab fed deaf jig hi\n", count: 60)
    try text.write(toFile: "\(folder)/text", atomically: true, encoding: .utf8)
    try FileManager.default.copyItem(
      atPath: try ModelFixture.bigram(), toPath: "\(folder)/libbigram.so")
  }

  private func shell(_ script: String) throws -> Command {
    try Command.shell("unset MOEC_RUNS; \(script)", in: folder)
  }

  private func train(_ words: String) throws -> Command {
    try shell("exec \"$0\" run libbigram.so --train --eval-batches 1 \(words)")
  }

  @Test func aWarmupThatNeverEndsIsSaid() throws {
    let long = try train("--data text --steps 5 --warmup 10 --no-save")
    #expect(
      long.errors.contains("note: the learning rate rises for 10 steps, and the run has 5\n"),
      "\(long.errors)")
    let short = try train("--data text --steps 5 --warmup 4 --no-save")
    #expect(short.status == 0 && !short.errors.contains("note: the learning rate"))
  }

  @Test func whatNobodySeesInANameIsShown() throws {
    try #"{"st\u0000eps\n": 2}"#.write(
      toFile: "\(folder)/c.json", atomically: true, encoding: .utf8)
    let result = try train("--data text --config c.json")
    #expect(result.errors.contains(#"there is no option "st\0eps\n""#), "\(result.errors)")
  }

  /// A run's own settings name everything, and serve any mode.
  @Test func settingsWithoutMeaningAreSaid() throws {
    try "{\"prompt\": \"abc\", \"top-k\": 3, \"steps\": 2}".write(
      toFile: "\(folder)/c.json", atomically: true, encoding: .utf8)
    let trained = try train("--data text --config c.json")
    #expect(
      trained.errors.contains("note: c.json: \"prompt\", \"top-k\" have no meaning with --train\n"),
      "\(trained.errors)")
    let quiet = try train("--data text --config c.json --quiet --run quiet")
    #expect(quiet.status == 0 && quiet.errors.isEmpty, "\(quiet.errors)")
    let own = try shell(
      "exec \"$0\" run libbigram.so --generate --tokens 3 --config runs/bigram/settings.json")
    #expect(own.status == 0 && !own.errors.contains("no meaning"), "\(own.errors)")
  }

  /// The text is named as it was seen from the folder where the run began.
  @Test func aRunGoesOnFromAnotherFolder() throws {
    #expect(try train("--data text --steps 3").status == 0)
    let again = try shell(
      """
      mkdir -p other/place; cd other/place
      exec "$0" run ../../libbigram.so --train --config ../../runs/bigram/settings.json --no-save
      """)
    #expect(again.errors.contains("trained 3 steps"), "\(again.errors)")
    let resumed = try shell(
      """
      cd other
      exec "$0" run ../libbigram.so --train --resume ../runs/bigram/weights.safetensors --steps 5
      """)
    #expect(resumed.errors.contains("trained 5 steps"), "\(resumed.errors)")
  }

  /// Standard input is another one by then.
  @Test func aTextFromAPipeIsNotReadAgain() throws {
    let first = try shell(
      "cat text | \"$0\" run libbigram.so --train --eval-batches 1 --steps 3 --data /dev/stdin")
    #expect(first.status == 0, "\(first.errors)")
    let resumed = try train("--resume runs/bigram/weights.safetensors --steps 5 < /dev/null")
    #expect(resumed.status == 1)
    #expect(resumed.errors.contains("hint: name a text with --data FILE"), "\(resumed.errors)")
    let named = try train("--resume runs/bigram/weights.safetensors --steps 5 --data text")
    #expect(named.errors.contains("trained 5 steps"), "\(named.errors)")
  }

  @Test(arguments: ["--stop ''", "--stop=", "--stop abc --stop ''"])
  func anEmptyStopIsWrongUsage(_ options: String) throws {
    let result = try shell("exec \"$0\" run libbigram.so --generate --data text \(options)")
    #expect(
      result.status == 64 && result.errors.contains("--stop needs a text"), "\(result.errors)")
  }

  @Test func anEmptyPromptIsNone() throws {
    let texts = try ["", "--prompt=", "--prompt ''"].map {
      try shell("exec \"$0\" run libbigram.so --generate --data text \($0) --tokens 5")
    }
    #expect(texts.allSatisfy { $0.status == 0 && $0.output == texts[0].output }, "\(texts)")
    let file = try shell("exec \"$0\" run libbigram.so --generate --data= --tokens 5")
    #expect(file.errors.contains("cannot read \"\": No such file"), "\(file.errors)")
  }
}
