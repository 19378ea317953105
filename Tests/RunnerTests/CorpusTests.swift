import Foundation
import ModelFixtures
import ModelRuntime
import SystemFiles
import Testing

@testable import Runner

@Suite struct VocabularyTests {
  /// As Python's `sorted(set(text))`: scalars, not grapheme clusters.
  @Test func isSortedDistinctScalars() {
    let vocabulary = Vocabulary(of: Array("b\r\na\u{e9}e\u{301}😀b".unicodeScalars))
    #expect(vocabulary.characters == ["\n", "\r", "a", "b", "e", "\u{e9}", "\u{301}", "😀"])
  }

  @Test func decodesWhatItEncodes() throws {
    let text = sampleText()
    let vocabulary = Vocabulary(of: Array(text.unicodeScalars))
    let tokens = try vocabulary.encode(text.unicodeScalars)
    #expect(Set(tokens) == Set(0..<12))
    #expect(vocabulary.decode(tokens) == text)
    #expect(vocabulary.decode([12, -1]) == "\u{fffd}\u{fffd}")
  }

  @Test func namesEveryUnknownCharacterOnce() {
    let vocabulary = Vocabulary(["\n", "a", "b"])
    let error = #expect(throws: VocabularyError.self) {
      try vocabulary.encode("azbéz\u{7}😀".unicodeScalars)
    }
    #expect(error?.unknown == ["\u{7}", "z", "é", "😀"])
    #expect(error?.message.contains("'z' (U+007A), 'é' (U+00E9), '😀' (U+1F600)") == true)
    #expect(error?.message.contains("\u{7}") == false)
    #expect(error?.hint == #"it knows 3: \nab"#)
  }
}

@Suite struct CorpusTests {
  private func manifest() throws -> Manifest {
    try ModelLibrary(path: ModelFixture.bigram()).manifest
  }

  private func corpus(_ text: String, vocabulary: Vocabulary? = nil) throws -> Corpus {
    try Corpus(
      text: Array(text.unicodeScalars), path: "t", manifest: manifest(), vocabulary: vocabulary)
  }

  @Test func splitsAtNineTenths() throws {
    #expect(Corpus.boundary(of: 1_115_394) == 1_003_854)
    for (count, boundary) in [(10, 9), (11, 9), (19, 17), (100, 90), (109, 98)] {
      #expect(Corpus.boundary(of: count) == boundary)
    }
    let whole = String(sampleText().prefix(819))
    let corpus = try self.corpus(whole)
    #expect(corpus.training.count == 737)
    let tokens = Array(corpus.training) + Array(corpus.validation)
    #expect(text(tokens, corpus.coding) == whole)
  }

  @Test func refusesEmptyAndTooShortTexts() throws {
    #expect(throws: CorpusError.empty(path: "t")) { try self.corpus("") }
    let short = String(repeating: "ab", count: 40)
    #expect(
      throws: CorpusError.tooShort(path: "t", count: 80, unit: "character", needed: 81, context: 8)
    ) {
      try self.corpus(short)
    }
    // One more, and both parts have a window.
    let corpus = try self.corpus(short + "a")
    #expect(corpus.training.count == 72)
    #expect(corpus.validation.count == 9)
  }

  @Test(
    arguments: [
      ([0x61, 0xff], 1), ([0x61, 0xc3, 0xa9, 0xc3], 3), ([0xc0, 0x80], 0),
      ([0x61, 0x62, 0xed, 0xa0, 0x80], 2), ([0xf4, 0x90, 0x80, 0x80], 0), ([0x80], 0),
      ([0xf0, 0x9f, 0x98, 0x80, 0xf0, 0x9f, 0x98], 4),
    ] as [([UInt8], Int)])
  func saysWhereATextIsNotUTF8(_ bytes: [UInt8], _ offset: Int) throws {
    let path = try ModelFixture.folder() + "/bad.txt"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    #expect(throws: CorpusError.notUTF8(path: path, offset: offset)) {
      try CorpusText.read(path)
    }
  }

  @Test func readsUTF8() throws {
    let text = "a\u{0}é\u{800}\u{ffff}😀\u{10ffff}\r\n"
    #expect(try CorpusText.read(fileWith(text)) == Array(text.utf8))
    let census = CharacterCensus(Array((text + text).utf8))
    #expect(census.count == 2 * text.unicodeScalars.count)
    #expect(census.distinct == text.unicodeScalars.sorted())
  }

  @Test func refusesWhatIsNoText() throws {
    let folder = try ModelFixture.folder()
    for (path, code) in [(folder + "/absent", ENOENT), (folder, EISDIR), ("/dev/zero", EINVAL)] {
      let cause = FileError(operation: "read", path: path, code: code)
      #expect(throws: CorpusError.unreadable(cause)) { try CorpusText.read(path) }
    }
  }

  @Test func refusesMoreCharactersThanTheModelHas() throws {
    let text = sampleText() + "xyz"
    let error = #expect(throws: CorpusError.self) { try corpus(text) }
    #expect(
      error == .tooManyCharacters(path: "t", distinct: 15, compiled: 12, line: "bigram.swift:4"))
    #expect(error?.message.contains("15 distinct") == true)
    #expect(error?.message.contains("compiled for 12") == true)
    #expect(error?.hint.contains("bigram.swift:4") == true)
  }

  @Test func takesFewerCharacters() throws {
    let corpus = try self.corpus(String(repeating: "cab ", count: 60))
    #expect(corpus.coding == .characters(Vocabulary([" ", "a", "b", "c"])))
    #expect(corpus.training.max() == 3)
  }

  @Test func keepsTheVocabularyOfWeights() throws {
    let vocabulary = Vocabulary(["z", "a", "b"])
    let corpus = try self.corpus(String(repeating: "ab", count: 60), vocabulary: vocabulary)
    #expect(Set(corpus.training) == [1, 2])
    #expect(
      throws: CorpusError.unknownCharacters(
        path: "t", VocabularyError(unknown: ["c"], known: vocabulary))
    ) { try self.corpus(String(repeating: "abc", count: 60), vocabulary: vocabulary) }
  }
}
