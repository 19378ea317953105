import Testing

@testable import Tokenizer

/// Everything is as the `tokenizers` package has it.
@Suite struct PackageTests {
  @Test func everyCaseIsThere() {
    #expect(Cases.all.texts.count == 18)
    #expect(Cases.all.tokenizers.count == 15)
    #expect(Cases.all.trainings.count == 5)
  }

  @Test(arguments: Cases.all.tokenizers)
  func encodes(_ expected: Cases.TokenizerCase) throws {
    let tokenizer = try BytePairTokenizer(json: bytes(expected.given), path: "t")
    #expect(expected.tokens.count == Cases.all.texts.count)
    for (text, tokens) in zip(Cases.all.texts, expected.tokens) {
      #expect(tokenizer.encode(text) == tokens, "\(text.debugDescription)")
    }
  }

  /// One encoder for all texts, so that later ones meet a full cache.
  @Test(arguments: Cases.all.tokenizers)
  func encodesManyTextsWithOneEncoder(_ expected: Cases.TokenizerCase) throws {
    var encoder = TokenEncoder(try BytePairTokenizer(json: bytes(expected.given), path: "t"))
    let texts = Cases.all.texts + Cases.all.texts
    for (text, tokens) in zip(texts, expected.tokens + expected.tokens) {
      var found: [Int32] = []
      try bytes(text).withUnsafeBufferPointer { text in
        try encoder.encode(validUTF8: text) { found += $0 }
      }
      #expect(found == tokens, "\(text.debugDescription)")
    }
  }

  @Test(arguments: Cases.all.tokenizers)
  func decodes(_ expected: Cases.TokenizerCase) throws {
    let tokenizer = try BytePairTokenizer(json: bytes(expected.given), path: "t")
    for (text, tokens) in zip(expected.decoded, expected.tokens) {
      #expect(bytes(tokenizer.decode(tokens)) == bytes(text))
    }
    for random in expected.random {
      let text = tokenizer.decode(random.tokens, skippingSpecial: false)
      #expect(bytes(text) == bytes(random.text), "\(random.tokens)")
    }
  }

  @Test(arguments: Cases.all.tokenizers)
  func writesTheSameFile(_ expected: Cases.TokenizerCase) throws {
    let tokenizer = try BytePairTokenizer(json: bytes(expected.given), path: "t")
    #expect(String(decoding: tokenizer.json, as: UTF8.self) == expected.file)
  }

  @Test(arguments: Cases.all.trainings)
  func learnsTheSameFile(_ expected: Cases.Training) throws {
    var pieces = PieceCounts()
    bytes(expected.text).withUnsafeBufferPointer { text in
      if expected.lines {
        pieces.addLines(validUTF8: text)
      } else {
        pieces.add(validUTF8: text)
      }
    }
    var trainer = BytePairTrainer(vocabulary: expected.size)
    trainer.specialTokens = expected.special
    let tokenizer = try trainer.train(on: pieces)
    #expect(String(decoding: tokenizer.json, as: UTF8.self) == expected.file)
    let read = try BytePairTokenizer(json: tokenizer.json, path: "t")
    #expect(read == tokenizer)
    #expect(read.encode(expected.text) == tokenizer.encode(expected.text))
  }

  /// As Python does before the package sees a text: U+FFFD for what is none.
  @Test func replacesBytesThatAreNoText() throws {
    let file = try #require(Cases.all.tokenizers.first { $0.name == "byte level" }).file
    let tokenizer = try BytePairTokenizer(json: bytes(file), path: "t")
    #expect(Cases.all.bytes.count == 5)
    for expected in Cases.all.bytes {
      #expect(tokenizer.encode(expected.bytes) == expected.tokens)
    }
  }

  @Test func classifiesEveryCharacter() throws {
    let kinds = [
      "letter": UnicodeClasses.letter, "number": UnicodeClasses.number,
      "space": UnicodeClasses.space,
    ]
    var expected = [UInt8](repeating: UnicodeClasses.other, count: UnicodeClasses.limit)
    for (name, kind) in kinds {
      for range in try #require(Cases.all.classes[name]) {
        #expect(range[1] < UnicodeClasses.limit)
        for character in range[0]...range[1] { expected[character] = kind }
      }
    }
    #expect(UnicodeClasses.table == expected)
  }
}
