import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import SystemFiles
import Testing
import Tokenizer

@testable import Runner

/// Texts with byte-order marks, with line ends of Windows, and in UTF-16.
@Suite struct TextAsPeopleHaveItTests {
  private func file(_ bytes: [UInt8]) throws -> String {
    let path = try ModelFixture.folder() + "/text.txt"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func manifest() throws -> Manifest {
    try ModelLibrary(path: ModelFixture.wide()).manifest
  }

  private static let text = String(repeating: "abc def\n", count: 40)
  private static let marked = TextBytes.mark + Array(text.utf8)

  @Test func aMarkIsNoCharacter() throws {
    let plain = try Corpus(path: file(Array(Self.text.utf8)), manifest: manifest())
    let marked = try Corpus(path: file(Self.marked), manifest: manifest())
    #expect(marked.coding == plain.coding)
    #expect(marked.fingerprint == plain.fingerprint)
    #expect(try Corpus.vocabulary(path: file(Self.marked), manifest: manifest()).count == 8)
    // Anywhere else it is one, as it was.
    let inside = Array((Self.text + "\u{feff}").utf8)
    #expect(try Corpus(path: file(inside), manifest: manifest()).coding.count == 9)
  }

  /// Weights that were trained when the mark still counted go on with the same tokens.
  @Test func weightsThatKnowTheMarkKeepIt() throws {
    let known = Vocabulary(of: Array(("\u{feff}" + Self.text).unicodeScalars))
    let corpus = try Corpus(
      path: file(Self.marked), manifest: manifest(), coding: .characters(known))
    #expect(corpus.count == Self.text.count + 1)
    #expect(corpus.training[0] == Int32(known.count - 1))
  }

  @Test func aMarkIsNoTokenEither() throws {
    let tokenizer = try sampleTokenizer()
    let manifest = try ModelLibrary(path: ModelFixture.subword()).manifest
    let corpora = try [Array(Self.text.utf8), Self.marked].map {
      try Corpus(path: file($0), manifest: manifest, coding: .subwords(tokenizer))
    }
    #expect(corpora[0].fingerprint == corpora[1].fingerprint)
    let folder = try ModelFixture.folder() + "/shards"
    var writer = try TokenShardWriter(folder: folder, tokenizer: tokenizer)
    try writer.add(file(Self.marked))
    try writer.finish()
    #expect(writer.characters == Self.text.count)
    var read: [UInt8] = []
    try TextFile.read(file(Self.marked)) { read = Array($0) }
    #expect(read == Array(Self.text.utf8))
    #expect(try TextFile.bytes(file(Self.marked)) == Array(Self.text.utf8))
    let json = try BytePairTokenizer(json: TextBytes.mark + tokenizer.json, path: "t")
    #expect(json == tokenizer)
  }

  /// Carriage returns stay what they are, and are told of.
  @Test func lineEndsOfWindowsAreText() throws {
    let text = Self.text.replacing("\n", with: "\r\n")
    let path = try file(Array(text.utf8))
    let corpus = try Corpus(path: path, manifest: manifest())
    #expect(corpus.count == text.unicodeScalars.count)
    #expect(corpus.carriageReturns == 40)
    var options = Session.Options(library: try ModelFixture.wide())
    options.data = path
    #expect(
      try Session(options).summary.contains("40 lines end in CR LF, and the CRs are text too"))
    options.data = try file(Array(Self.text.utf8))
    #expect(try !Session(options).summary.contains("CR LF"))
    let known = Vocabulary(of: Array(Self.text.unicodeScalars))
    let error = #expect(throws: CorpusError.self) {
      try Corpus(path: path, manifest: manifest(), coding: .characters(known))
    }
    #expect(error?.hint.contains("line ends of Windows") == true)
  }

  @Test(arguments: [true, false], [true, false])
  func utf16IsNamed(_ isLittle: Bool, _ isMarked: Bool) throws {
    let units = Array(((isMarked ? "\u{feff}" : "") + Self.text).utf16)
    let bytes = units.flatMap { unit -> [UInt8] in
      let (low, high) = (UInt8(unit & 0xff), UInt8(unit >> 8))
      return isLittle ? [low, high] : [high, low]
    }
    let path = try file(bytes)
    #expect(throws: CorpusError.utf16(path: path)) {
      try Corpus(path: path, manifest: manifest())
    }
    let tokenizer = try sampleTokenizer()
    let subwords = try ModelLibrary(path: ModelFixture.subword()).manifest
    #expect(throws: CorpusError.utf16(path: path)) {
      try Corpus(path: path, manifest: subwords, coding: .subwords(tokenizer))
    }
    #expect(throws: CorpusError.utf16(path: path)) { try TextFile.read(path) { _ in } }
    #expect(throws: CorpusError.utf16(path: path)) { try TextFile.bytes(path) }
    #expect(
      throws: NameMapError.badLine(path: path, line: 1, reason: "the file is UTF-16, not UTF-8")
    ) {
      try NameMap.named(path)
    }
    #expect(CorpusError.utf16(path: path).hint.contains("iconv -f UTF-16 -t UTF-8"))
  }

  @Test func zerosAloneMakeNoUTF16() {
    #expect(!TextBytes.isUTF16([UInt8](repeating: 0, count: 64)))
    #expect(!TextBytes.isUTF16(Array("ab\0\0ab\0\0ab\0\0".utf8)))
    #expect(!TextBytes.isUTF16(Array("a\0b".utf8)))
    #expect(!TextBytes.isUTF16([]))
  }

  @Test func namesHaveAnyLineEnds() throws {
    let map = "# names\na.{l}  b.{l}\n\nc  d  optional\ncount h 8\n"
    let plain = try NameMap(map, path: "map")
    for text in [
      map.replacing("\n", with: "\r\n"), map.replacing("\n", with: "\r"), "\u{feff}" + map,
    ] {
      #expect(try NameMap(text, path: "map") == plain)
    }
    let wrong = "a b\r\n\r\na\r\n"
    #expect(throws: NameMapError.badLine(path: "map", line: 3, reason: "two names are expected")) {
      try NameMap(wrong, path: "map")
    }
  }

  @Test func promptsHaveAnyLineEnds() throws {
    let library = try ModelFixture.bigram()
    let data = try file(Array(sampleText().utf8))
    func said(_ input: String) throws -> Command {
      let script =
        "printf '\(input)' | \"$0\" run \"$1\" --generate --interactive --tokens 5 --data \"$2\""
      return try Command.shell(script, [library, data])
    }
    let letters = String(
      sampleText().unicodeScalars.filter { $0 != "\n" }.prefix(3).map(Character.init))
    let plain = try said("\(letters)\\n\(letters)\\n")
    #expect(plain.status == 0, "\(plain)")
    for input in [
      "\(letters)\\r\\n\\r\\n\(letters)\\r\\n", "\\357\\273\\277\(letters)\\n\(letters)",
    ] {
      let other = try said(input)
      #expect(other.status == 0, "\(other)")
      #expect(other.output == plain.output)
    }
  }
}
