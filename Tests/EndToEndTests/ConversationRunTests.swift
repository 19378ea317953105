import CompiledModels
import Foundation
import ModelFixtures
import ModelRuntime
import Runner
import Testing

/// Fine-tuning on conversations: `moec run --train --data FILE.jsonl`.
@Suite(.serialized) struct ConversationRunTests {
  private func run(_ options: [String], library: String = "libchatty.so") throws -> Command {
    try Moec.run(["run", library] + options, in: ConversationModel.folder.get())
  }

  private let chats = [
    "--data", "chats.jsonl", "--tokenizer", "tokenizer.json", "--template", "chat_template.jinja",
  ]

  private func train(
    _ name: String, _ options: [String], in folder: String? = nil, library: String = "libchatty.so"
  ) throws -> (weights: Data, log: String) {
    let path = try (folder ?? ModelFixture.folder()) + "/" + name
    let result = try run(
      [
        "--train", "--eval-interval", "2", "--save", path + ".safetensors", "--log",
        path + ".jsonl",
      ]
        + options, library: library)
    try #require(result.status == 0, "\(result.errors)")
    let log = try String(contentsOfFile: path + ".jsonl", encoding: .utf8)
    return (
      try Data(contentsOf: URL(fileURLWithPath: path + ".safetensors")),
      log.replacing(/"seconds":[0-9.]+,/, with: "")
    )
  }

  private func number(_ name: String, _ log: String, at place: Int = 0) throws -> Double {
    let line = log.split(separator: "\n")[place]
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    return try #require(object?[name] as? Double)
  }

  /// -log p of a token, from the logits of those before it.
  private func surprise(_ model: Model, _ tokens: ArraySlice<Int32>, _ next: Int32) throws -> Double
  {
    let logits = try model.logits(tokens: Array(tokens), seed: 1)
      .suffix(model.manifest.vocabulary).map(Double.init)
    let sum = logits.reduce(0) { $0 + exp($1 - (logits.max() ?? 0)) }
    return log(sum) + (logits.max() ?? 0) - logits[Int(next)]
  }

  /// The validation loss is the mean over all answers' tokens, computed one by one. Rows do not matter.
  @Test func lossesAreTheMeanOverAnswers() throws {
    let (_, log) = try train("w", chats + ["--epochs", "1"])
    let model = try Model(
      try ModelLibrary(path: try ConversationModel.folder.get() + "/libchatty.so"))
    model.initialize(seed: RandomStream.seed(RandomStream.usualSeed, .initialization))
    let fixture = try ConversationModel.expected.get()
    let texts = try #require(fixture.cases.first { $0.name == "chatml" }).expected
    let answered = texts.filter { $0.mask.contains(1) }
    // 12 conversations, of which the last tenth, two, are to validate.
    var (sum, count) = (0.0, 0)
    for text in answered.suffix(2) {
      let most = min(text.tokens.count, ConversationModel.context + 1)
      for place in 1..<most where text.mask[place] == 1 {
        sum += try surprise(model, text.tokens[..<place], text.tokens[place])
        count += 1
      }
    }
    let loss = try number("val_loss", log)
    #expect(abs(loss - sum / Double(count)) < 1e-5 * loss, "\(loss), \(sum / Double(count))")
  }

  @Test("Weights, moments and the log are those of one process")
  func ranks() throws {
    let options = chats + ["--epochs", "3", "--accumulate", "4", "--ema", "0.9", "--clip", "1"]
    let alone = try train("alone", options)
    for ranks in ["2", "4"] {
      let together = try train("together", options + ["--ranks", ranks])
      #expect(alone.weights == together.weights && alone.log == together.log)
    }
  }

  /// An epoch in one step, so that all conversations are in it, whichever row they share: the loss on all to
  /// validate and the gradient are the same up to rounding.
  @Test("Packed rows learn what single ones do, from fewer")
  func packed() throws {
    let options = chats + ["--epochs", "4", "--accumulate", "8", "--clip", "1000"]
    let apart = try train("apart", options).log
    let packed = try train("packed", options, library: "libpacked.so")
    for place in 0..<3 {
      for name in ["val_loss"] + (place > 0 ? ["gradient_norm"] : []) {
        let (one, other) = (
          try number(name, apart, at: place), try number(name, packed.log, at: place)
        )
        #expect(abs(one - other) < 1e-4 * one, "\(name) \(place): \(one), \(other)")
      }
      #expect(try number("tokens", apart, at: place) == number("tokens", packed.log, at: place))
    }
    let ranks = try train("ranks", options + ["--ranks", "4"], library: "libpacked.so")
    #expect(ranks.weights == packed.weights && ranks.log == packed.log)
    let said = try run(
      ["--train", "--no-save", "--steps", "1"] + chats, library: "libpacked.so")
    #expect(said.errors.contains("        8 rows of 48 to train on, "), "\(said.errors)")
    #expect(!said.errors.contains("--documents"), "\(said.errors)")
  }

  @Test("A run that goes on needs no options and ends in the same bits")
  func resumed() throws {
    let folder = try ModelFixture.folder()
    let whole = try train("whole", chats + ["--epochs", "3", "--learn", "all"])
    _ = try train("part", chats + ["--steps", "7", "--learn", "all"], in: folder)
    let path = folder + "/part.safetensors"
    let part = try train(
      "part",
      ["--epochs", "3", "--resume", path, "--tokenizer", "tokenizer.json"]
        + ["--data", "chats.jsonl"], in: folder)
    #expect(part.weights == whole.weights && part.log == whole.log)
    let other = try run(["--train", "--resume", path, "--learn", "answers", "--save", path])
    #expect(other.status == 1, "\(other.errors)")
    #expect(
      other.errors.contains("is not read as this run read it: --learn of it is another"),
      "\(other.errors)")
    // What an epoch has seen is counted in steps.
    let dealt = try run(["--train", "--resume", path, "--accumulate", "2", "--save", path])
    #expect(
      dealt.status == 1 && dealt.errors.contains("to steps of 1 batch, and --accumulate is 2"),
      "\(dealt.errors)")
  }

  @Test func whatIsReadIsSaid() throws {
    let folder = try ConversationModel.folder.get()
    let result = try run(
      ["--train", "--epochs", "2", "--run", folder + "/said", "--accumulate", "2"] + chats)
    #expect(result.status == 0, "\(result.errors)")
    for part in [
      "        to train on 10 conversations: ", "        to validate 2 conversations: ",
      "        10 rows of 48 to train on, ", "epochs  2 of 3 steps: each conversation once",
      "note: each row has one conversation, and ", "with --documents packs several",
      "conversations are longer than 49 tokens, up to 69, and lose their ends", "trained 6 steps",
    ] {
      #expect(result.errors.contains(part), "\(part) is not in \(result.errors)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/said")
    #expect(names.contains("chat_template.jinja") && names.contains("tokenizer_config.json"))
    let file = try Data(contentsOf: URL(fileURLWithPath: folder + "/said/settings.json"))
    let settings = try #require(try JSONSerialization.jsonObject(with: file) as? [String: Any])
    #expect(settings["steps"] as? Int == 6 && settings["epochs"] == nil)
    // What trackers are told.
    let facts = try #require(settings["model"] as? [String: String])
    #expect(facts["conversations"] == "10" && facts["learn"] == "answers", "\(facts)")
    #expect(facts["epochs"] == "2.0" && facts["packed"] == "false", "\(facts)")
    // Its own settings, but for another number of epochs; and the template is found beside the weights.
    let again = try run([
      "--train", "--config", folder + "/said/settings.json", "--epochs", "1", "--no-save",
    ])
    #expect(again.errors.contains("trained 3 steps"), "\(again.errors)")
    let chat = try Moec.run(
      ["run", "libchatty.so", "--evaluate", "--weights", "said/weights.safetensors"]
        + ["--data", "chats.jsonl", "--validation", "chats.jsonl"], in: folder)
    #expect(chat.status == 0 && chat.output.contains("perplexity: train "), "\(chat.errors)")
    #expect(chat.errors.contains("to validate 12 conversations"), "\(chat.errors)")
  }

  @Test func epochsOfTextsAreTokens() throws {
    let result = try Moec.run(
      ["run", "libchatty.so", "--train", "--data", "text.txt", "--epochs", "2", "--no-save"]
        + ["--eval-batches", "1"], in: ConversationModel.folder.get())
    // 1020 characters, of which 918 are to train on, 96 in a step.
    #expect(
      result.errors.contains("epochs  2 of 10 steps: as many characters as"), "\(result.errors)")
    #expect(result.errors.contains("trained 20 steps"), "\(result.errors)")
  }

  @Test(arguments: [
    (["--data", "chats.jsonl"], 1, "nothing says how they become tokens"),
    (
      ["--data", "chats.jsonl", "--tokenizer", "tokenizer.json", "--template", "none"], 1,
      "cannot read none"
    ),
    (
      ["--data", "text.txt", "--learn", "all"], 1,
      "--learn is for conversations, and text.txt is a text"
    ),
    (["--data", "bad.jsonl", "--tokenizer", "tokenizer.json"], 1, "bad.jsonl:2: the field \"id\""),
    (["--steps", "1", "--epochs", "1"], 64, "--steps and --epochs both say"),
    (["--learn", "some"], 64, "'some' is invalid"),
  ])
  func mistakesAreSaid(_ options: [String], _ status: Int32, _ message: String) throws {
    let bad = try ConversationModel.folder.get() + "/bad.jsonl"
    try "{\"text\":\"a\"}\n{\"text\":\"a\",\"id\":1}\n".write(
      toFile: bad, atomically: true, encoding: .utf8)
    let result = try run(["--train", "--no-save"] + options)
    #expect(result.status == status && result.errors.contains(message), "\(result.errors)")
  }
}
