import Testing

@testable import Tokenizer

@Suite struct TextStreamTests {
  private func tokenizer(_ name: String) throws -> BytePairTokenizer {
    let found = try #require(Cases.all.tokenizers.first { $0.name == name })
    return try BytePairTokenizer(json: bytes(found.given), path: name)
  }

  private func pieces(_ tokenizer: BytePairTokenizer, _ tokens: [Int32]) -> [String] {
    var stream = TextStream(tokenizer, skippingSpecial: false)
    return tokens.map { stream.append($0) } + [stream.finish()]
  }

  /// A vocabulary of bytes alone has four tokens for an emoji.
  @Test func waitsForWholeCharacters() throws {
    let bytes = try BytePairTrainer(vocabulary: 256).train(on: PieceCounts())
    let tokens = bytes.encode("a😀é")
    #expect(tokens.count == 7)
    #expect(pieces(bytes, tokens) == ["a", "", "", "", "😀", "", "é", ""])
    #expect(pieces(bytes, Array(tokens[1..<3])) == ["", "", "\u{fffd}"])
    #expect(pieces(bytes, Array(tokens[2..<5])) == ["\u{fffd}", "\u{fffd}", "\u{fffd}", ""])
    // A character that is broken off is replaced when what follows shows it.
    #expect(pieces(bytes, [tokens[1], tokens[2], tokens[0]]) == ["", "", "\u{fffd}a", ""])
  }

  /// All pieces together are what decoding gives at once, even of tokens without sense.
  @Test(arguments: ["byte level", "added tokens", "no pattern", "missing bytes", "one piece"])
  func isTheDecodedText(_ name: String) throws {
    let tokenizer = try tokenizer(name)
    let expected = try #require(Cases.all.tokenizers.first { $0.name == name })
    for random in expected.random {
      #expect(bytes(pieces(tokenizer, random.tokens).joined()) == bytes(random.text))
    }
    for tokens in expected.tokens {
      let whole = tokenizer.decode(tokens, skippingSpecial: false)
      #expect(bytes(pieces(tokenizer, tokens).joined()) == bytes(whole))
    }
  }

  @Test func takesAwayThePrependedSpace() throws {
    let tokenizer = try tokenizer("byte fallback")
    let tokens = tokenizer.encode("the rare 😀 tea")
    #expect(pieces(tokenizer, tokens).joined() == "the rare 😀 tea")
    #expect(tokenizer.decode(tokens) == "the rare 😀 tea")
  }

  @Test func leavesOutSpecialTokens() throws {
    let tokenizer = try tokenizer("special tokens")
    let tokens = tokenizer.encode("a<|end|>b")
    var stream = TextStream(tokenizer)
    #expect(tokens.map { stream.append($0) } == ["a", "", "b"])
  }

  /// A character-level file without a decoder: no spaces come between characters.
  @Test func joinsCharacters() throws {
    let tokenizer = try tokenizer("characters")
    let tokens = tokenizer.encode("speak")
    #expect(pieces(tokenizer, tokens).joined() == "speak")
    #expect(tokenizer.decode(tokens) == "s p e a k")
    let own = BytePairTokenizer(characters: Array("aekps".unicodeScalars))
    #expect(own.encode("speak") == [4, 3, 1, 0, 2])
    #expect(own.decode([4, 3, 1, 0, 2]) == "speak")
    #expect(try BytePairTokenizer(json: own.json, path: "t") == own)
  }

  @Test func countsCharacters() throws {
    let tokenizer = try tokenizer("special tokens")
    let text = "aé 😀 <|end|>resolved"
    let tokens = tokenizer.encode(text)
    func count(_ counts: [Int32]) -> Int { tokens.reduce(0) { $0 + Int(counts[Int($1)]) } }
    #expect(count(tokenizer.characterCounts()) == text.unicodeScalars.count - 7)
    #expect(count(tokenizer.characterCounts(countingSpecial: true)) == text.unicodeScalars.count)
  }
}
