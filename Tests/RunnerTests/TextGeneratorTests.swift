import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

@Suite struct TextGeneratorTests {
  private func generator(
    _ change: (inout GenerationSettings) -> Void = { _ in }, characters: String = "abcdefghijkl"
  ) throws -> TextGenerator {
    let model = try Model(ModelLibrary(path: ModelFixture.bigram()))
    model.initialize(seed: 1)
    var settings = GenerationSettings()
    settings.tokens = 30
    change(&settings)
    return TextGenerator(
      model: model, coding: .characters(Vocabulary(Array(characters.unicodeScalars))),
      settings: settings)
  }

  @Test func writesAsManyCharactersAsAsked() throws {
    let text = try generator().generate()
    #expect(text.count == 30)
    #expect(text.allSatisfy { "abcdefghijkl".contains($0) })
    #expect(try generator().generate() == text)
    #expect(try generator { $0.seed = 2 }.generate() != text)
  }

  @Test func continuesAPrompt() throws {
    let text = try generator().generate(prompt: "lab")
    #expect(text.hasPrefix("lab"))
    #expect(text.count == 33)
    #expect(throws: VocabularyError.self) { try generator().generate(prompt: "lamp") }
  }

  /// Without a prompt it is as if the character of token 0 had been the prompt.
  @Test func startsFromTokenZero() throws {
    let generator = try generator()
    #expect(try "a" + generator.generate() == generator.generate(prompt: "a"))
    #expect(try generator.generate() != String(generator.generate(prompt: "b").dropFirst()))
  }

  /// The model has places for 8: with a longer prompt only its last 8 characters matter.
  @Test func cropsToTheContext() throws {
    let generator = try generator()
    let tail = try generator.generate(prompt: "abcdefgh")
    let longer = try generator.generate(prompt: String(repeating: "l", count: 50) + "abcdefgh")
    #expect(longer.hasSuffix(tail))
  }

  /// It sees all of the last 8 tokens, the last of them at its own place.
  @Test func seesTheWholeContext() throws {
    let generator = try generator { $0.tokens = 300 }
    var tokens: [Int32] = [0]
    var stream = RandomStream(seed: RandomStream.usualSeed, .generation)
    for position in 0..<300 {
      let noise = RandomStream.seed(RandomStream.usualSeed, .generationNoise, index: position)
      let logits = try generator.model.logits(tokens: tokens.suffix(8), seed: noise)
      tokens.append(Int32(try generator.sample(logits.suffix(12), at: stream.nextUnit())))
    }
    #expect(try generator.generate() == text(tokens.dropFirst(), generator.coding))
  }

  @Test func givesTextPieceByPiece() throws {
    var pieces: [String] = []
    try generator().generate(prompt: "lab") { pieces.append($0) }
    #expect(pieces.count == 31)
    #expect(pieces[0] == "lab")
  }

  @Test func samplesTheSoftmax() throws {
    let generator = try generator(characters: "abcd")
    let logits: [Float] = [0, 1, 3, 2]
    let sum = logits.reduce(0) { $0 + exp(Double($1)) }
    var counts = [Double](repeating: 0, count: 4)
    for point in 0..<10_000 {
      counts[try generator.sample(logits, at: (Double(point) + 0.5) / 10_000)] += 1
    }
    for (count, logit) in zip(counts, logits) {
      #expect(abs(count / 10_000 - exp(Double(logit)) / sum) < 1e-3)
    }
  }

  @Test func temperatureDividesLogits() throws {
    let logits: [Float] = [0, 2]
    func share(_ temperature: Double) throws -> Int {
      let generator = try generator({ $0.temperature = temperature }, characters: "ab")
      return try (0..<1000).count { try generator.sample(logits, at: Double($0) / 1000) == 1 }
    }
    // 1 / (1 + e^(-2 / temperature))
    #expect(try abs(share(1) - 881) <= 1)
    #expect(try abs(share(2) - 731) <= 1)
    #expect(try abs(share(0.5) - 982) <= 1)
    #expect(try share(0) == 1000)
    #expect(try share(1e-300) == 1000)
  }

  @Test func topKDrawsFromTheLikeliest() throws {
    let generator = try generator({ $0.topK = 2 }, characters: "abcd")
    let drawn = try Set(
      (0..<1000).map { try generator.sample([1, 3, 1, 2], at: Double($0) / 1000) })
    #expect(drawn == [1, 3])
    // Among equals the lower token is taken.
    let equal = try Set(
      (0..<1000).map { try generator.sample([1, 1, 1, 1], at: Double($0) / 1000) })
    #expect(equal == [0, 1])
    let many = try self.generator({ $0.topK = 99 }, characters: "abcd")
    #expect(try many.sample([1, 3, 1, 2], at: 0) == 1)
  }

  /// The model has 12 rows; the 9 that no character belongs to are not drawn however likely.
  @Test func neverDrawsUnusedRows() throws {
    let generator = try generator(characters: "abc")
    let logits: [Float] = [0, 0, 0] + [Float](repeating: 50, count: 9)
    let drawn = try Set((0..<300).map { try generator.sample(logits, at: Double($0) / 300) })
    #expect(drawn == [0, 1, 2])
    #expect(try generator.generate().allSatisfy { "abc".contains($0) })
  }

  @Test func refusesLogitsThatAreNoNumbers() throws {
    let generator = try generator(characters: "ab")
    for bad: Float in [.nan, .infinity, -.infinity] {
      #expect(throws: NotFiniteError.self) { try generator.sample([0, bad], at: 0.5) }
    }
  }
}
