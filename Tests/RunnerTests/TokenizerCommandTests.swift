import Foundation
import ModelFixtures
import Testing
import Tokenizer

@testable import Runner

/// `moec tokenizer` and `moec run --tokenizer` as a user meets them.
@Suite struct TokenizerCommandTests {
  @Test func trainsEncodesDecodesShardsAndRuns() throws {
    let folder = try ModelFixture.folder()
    let text = try fileWith(subwordText)
    let trained = try Command.moec(
      [
        "tokenizer", "train", text, "--vocabulary", "300", "-o", "t.json", "--special", "<|end|>",
      ], in: folder)
    #expect(trained.status == 0, "\(trained.errors)")
    let expected = try sampleTokenizer()
    #expect(try BytePairTokenizer(path: folder + "/t.json") == expected)

    let encoded = try Command.shell(
      "printf 'feed é😀' | \"$0\" tokenizer encode --tokenizer t.json | tee tokens", in: folder)
    let tokens = expected.encode("feed é😀").map(String.init).joined(separator: " ")
    #expect(encoded.output == tokens + "\n")
    let decoded = try Command.moec(
      ["tokenizer", "decode", "tokens", "--tokenizer", "t.json"], in: folder)
    #expect(decoded.output == "feed é😀")

    let library = try ModelFixture.subword()
    let shards = try Command.moec(
      ["tokenizer", "shard", text, "--tokenizer", "t.json", "-o", "s", "--shard-tokens", "500"],
      in: folder)
    #expect(shards.status == 0, "\(shards.errors)")
    var outputs: [String] = []
    for data in [["--data", text, "--tokenizer", "t.json"], ["--data", "s"]] {
      let run = try Command.moec(
        ["run", library, "--train", "--steps", "3", "--eval-batches", "2", "--save", "w"]
          + ["--overwrite"] + data,
        in: folder)
      #expect(run.status == 0, "\(run.errors)")
      outputs.append(run.output)
    }
    #expect(outputs[0] == outputs[1])
    #expect(outputs[0].contains("; bits per character: train "))

    // No text and no tokenizer is at hand: both come with the weights.
    let generated = try Command.moec(
      ["run", library, "--generate", "--weights", "w", "--prompt", "é", "--tokens", "30"],
      in: folder)
    #expect(generated.status == 0, "\(generated.errors)")
    #expect(generated.output.hasPrefix("é"))
  }

  @Test(
    arguments: [
      (["train", "absent"], "cannot read absent: No such file or directory"),
      (["train", "bad", "--vocabulary", "300"], "bad is not UTF-8: the bytes at offset 1"),
      (["train", "good", "--vocabulary", "255"], "a vocabulary of 255 is too small"),
      (["train", "good", "-o", "no/such/folder"], "cannot write no/such/folder"),
      (["encode", "good", "--tokenizer", "good"], "good is not JSON"),
      (["decode", "words", "--tokenizer", "t.json"], "'x' is no token"),
      (
        ["decode", "large", "--tokenizer", "t.json"],
        "the tokenizer has no token 999,999\nhint: it has "
      ),
      (["encode", "bad", "--tokenizer", "t.json"], "bad is not UTF-8: the bytes at offset 1"),
      (
        ["shard", "good", "--tokenizer", "t.json", "-o", "s", "--separator", "!?"],
        "no token \"!?\""
      ),
      (["shard", "good", "-o", "s"], "cannot read tokenizer.json"),
      (["train", "empty"], "empty is empty\nhint: "),
      (["train", "empty", "empty"], "empty, empty are empty\nhint: "),
    ] as [([String], String)])
  func explainsMistakes(_ arguments: [String], _ message: String) throws {
    let folder = try ModelFixture.folder()
    func write(_ bytes: [UInt8], _ name: String) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
    }
    try write([0x61, 0xff], "bad")
    try write(Array("good text".utf8), "good")
    try write(Array("1 x".utf8), "words")
    try write([], "empty")
    try write(Array("1 999999".utf8), "large")
    try write(try sampleTokenizer().json, "t.json")
    let result = try Command.moec(["tokenizer"] + arguments, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.hasPrefix("error: "))
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(result.output == "")
  }

  @Test(arguments: [
    (["--special", ""], "--special needs a token"), (["--special="], "--special needs a token"),
    (["--special", "<a>", "--special", "<b>", "--special", "<a>"], "--special <a> is there twice"),
  ])
  func specialTokensAreTextsAndDiffer(_ options: [String], _ message: String) throws {
    let text = try fileWith(subwordText)
    let result = try Command.moec(["tokenizer", "train", text] + options)
    #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
  }

  @Test func saysWhichLineOfTheModelToChange() throws {
    let text = try fileWith(subwordText)
    let tokenizer = try tokenizerFile(sampleTokenizer(330))
    let result = try Command.moec(
      ["run", try ModelFixture.subword(), "--train", "--data", text, "--tokenizer", tokenizer])
    #expect(result.status == 1)
    #expect(result.errors.contains("330 tokens, the model was compiled for 320"))
    #expect(result.errors.contains("hint: in bigram.swift:4, make the vocabulary axis 330 or more"))
  }
}
