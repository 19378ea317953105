import Foundation
import ModelFixtures
import Testing
import Tokenizer
import Words

@testable import Runner

/// A text with words that come again, and characters of one to four bytes.
let subwordText =
  sampleText(600) + String(repeating: "é 😀 cabbage feed\n", count: 40)
  + "however seventeen wizards jumped over twelve lazy quartz sphinx vow blocks mighty knights "
  + "proclaim winter thunderstorm\n"

/// A tokenizer of `count` tokens, trained on that text.
func sampleTokenizer(_ count: Int = 300) throws -> BytePairTokenizer {
  var pieces = PieceCounts()
  pieces.add(subwordText)
  var trainer = BytePairTrainer(vocabulary: count)
  trainer.specialTokens = ["<|end|>"]
  return try trainer.train(on: pieces)
}

/// A tokenizer's file; its path.
func tokenizerFile(_ tokenizer: BytePairTokenizer) throws -> String {
  let path = try ModelFixture.folder() + "/tokenizer.json"
  try Data(tokenizer.json).write(to: URL(fileURLWithPath: path))
  return path
}

/// The model of 320 tokens on that text.
func subwordSession(
  data: String? = nil, tokenizer: String?, parameters: Session.Parameters = .initialized
) throws -> Session {
  var options = Session.Options(library: try ModelFixture.subword())
  options.data = try data ?? fileWith(subwordText)
  options.tokenizer = tokenizer
  options.seed = 1
  options.threads = 1
  options.parameters = parameters
  return try Session(options)
}

@Suite struct SubwordTests {
  private func settings(_ steps: Int) -> TrainingSettings {
    var settings = TrainingSettings()
    settings.steps = steps
    settings.evaluationInterval = 100
    settings.evaluationBatches = 2
    return settings
  }

  @Test func cutsTheTextWithTheTokenizer() throws {
    let tokenizer = try sampleTokenizer()
    let session = try subwordSession(tokenizer: tokenizerFile(tokenizer))
    let corpus = try #require(session.corpus)
    let tokens = tokenizer.encode(subwordText)
    #expect(Array(corpus.training) + Array(corpus.validation) == tokens)
    #expect(tokens.count < subwordText.unicodeScalars.count / 2)
    #expect(session.summary.contains("\(tokens.count.grouped) tokens"))
    #expect(session.summary.contains("vocabulary 300 of 320 tokens"))
  }

  /// loss / ln 2 · tokens / characters, each part with its own numbers.
  @Test func tellsBitsPerCharacter() throws {
    let tokenizer = try sampleTokenizer()
    let session = try subwordSession(tokenizer: tokenizerFile(tokenizer))
    let corpus = try #require(session.corpus)
    let evaluation = try session.evaluate(batches: 2)
    let bits = try #require(evaluation.bitsPerCharacter)
    for (part, loss, found) in [
      (corpus.training, evaluation.trainLoss, bits.train),
      (corpus.validation, evaluation.validationLoss, bits.validation),
    ] {
      let characters = tokenizer.decode(part).unicodeScalars.count
      let expected = loss / log(2) * Double(part.count) / Double(characters)
      #expect(abs(found / expected - 1) < 1e-3)
    }
    #expect(bits.train != bits.validation)
    let pattern = /train loss [\d.]+, val loss [\d.]+; bits per character: train [\d.]+, val [\d.]+/
    #expect(evaluation.line.wholeMatch(of: pattern) != nil)
    let line = TrainingLog.line(evaluation, seconds: 1, tokens: 2)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Double])
    #expect(abs(try #require(object["train_bits_per_character"]) - bits.train) < 1e-12)
    #expect(abs(try #require(object["val_bits_per_character"]) - bits.validation) < 1e-12)
  }

  /// Every character is a token: bits per character are the loss in bits.
  @Test func bitsAreTheLossWhereTokensAreCharacters() throws {
    let evaluation = Evaluation(
      step: 0, trainLoss: log(2), validationLoss: 2 * log(2),
      CharactersPerToken(training: 1, validation: 4))
    #expect(evaluation.bitsPerCharacter == .init(train: 1, validation: 0.5))
    #expect(try sampleSession().evaluate(batches: 1).bitsPerCharacter == nil)
  }

  @Test func theTokenizerTravelsWithTheWeights() throws {
    let tokenizer = try sampleTokenizer()
    var files = TrainingFiles()
    files.save = try ModelFixture.folder() + "/w.safetensors"
    let path = try #require(files.save)
    try subwordSession(tokenizer: tokenizerFile(tokenizer)).train(settings(3), files: files) { _ in
    }

    var options = Session.Options(library: try ModelFixture.subword())
    options.parameters = .weights(path)
    options.text = .vocabulary
    let session = try Session(options)
    #expect(session.coding == .subwords(tokenizer))
    // Resuming needs no file either, and goes on with the same tokens.
    let resumed = try subwordSession(tokenizer: nil, parameters: .checkpoint(path))
    #expect(resumed.coding == .subwords(tokenizer))
    #expect(throws: CorpusError.self) {
      try subwordSession(tokenizer: tokenizerFile(sampleTokenizer(290)), parameters: .weights(path))
    }
  }

  @Test func refusesATokenizerLargerThanTheModel() throws {
    let path = try tokenizerFile(sampleTokenizer(330))
    let error = #expect(throws: CorpusError.self) { try subwordSession(tokenizer: path) }
    #expect(error == .tooManyTokens(tokens: 330, compiled: 320, line: "bigram.swift:4"))
    #expect(error?.message == "the tokenizer has 330 tokens, the model was compiled for 320")
    #expect(error?.hint.hasPrefix("in bigram.swift:4, make the vocabulary axis 330") == true)
    #expect(try subwordSession(tokenizer: tokenizerFile(sampleTokenizer(320))).coding.count == 320)
  }

  @Test func refusesToLoseCharacters() throws {
    let known = BytePairTokenizer(characters: Array("abcdefghijkl \n".unicodeScalars))
    let lost = subwordText.unicodeScalars.count { !"abcdefghijkl \n".unicodeScalars.contains($0) }
    let path = try fileWith(subwordText)
    #expect(
      throws: CorpusError.lostCharacters(
        path: path, lost: lost, of: subwordText.unicodeScalars.count)
    ) { try subwordSession(data: path, tokenizer: tokenizerFile(known)) }
  }

  @Test func refusesTextsThatAreNotUTF8() throws {
    let path = try ModelFixture.folder() + "/bad.txt"
    // The mistake is beyond the first stretch that is looked at, behind a cut character.
    var text = Array(String(repeating: "é😀a", count: 200_000).utf8)
    let offset = text.count
    text += [0xe2, 0x82, 0x61]
    try Data(text).write(to: URL(fileURLWithPath: path))
    #expect(throws: CorpusError.notUTF8(path: path, offset: offset)) {
      try subwordSession(data: path, tokenizer: tokenizerFile(sampleTokenizer()))
    }
  }

  /// An untrained model writes tokens without sense: still, every piece is whole characters.
  @Test func writesWholeCharacters() throws {
    let session = try subwordSession(tokenizer: tokenizerFile(sampleTokenizer()))
    var settings = GenerationSettings()
    settings.tokens = 400
    settings.temperature = 5
    var pieces: [String] = []
    try session.generate(prompt: "é 😀", settings) { pieces.append($0) }
    #expect(pieces.first == "é 😀")
    #expect(!pieces.contains(""))
    #expect(pieces.count < 400, "some tokens only begin a character")
    #expect(pieces.count > 100)
  }
}
