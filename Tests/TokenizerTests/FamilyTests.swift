import Foundation
import Testing

@testable import Tokenizer

/// What `Fixtures/make_families.py` found out from the `tokenizers` package.
struct Families: Decodable {
  var texts: [String]
  var tokenizers: [Family]

  struct Family: Decodable, CustomStringConvertible, Sendable {
    var name: String
    var file: String
    var tokens: [[Int32]]
    var decoded: [String]
    /// Of three texts, with the tokens that the post-processor adds.
    var whole: [[Int32]]
    var random: [Cases.Random]
    var description: String { name }
  }

  static let all: Families = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/families.json")
    do {
      return try JSONDecoder().decode(Families.self, from: Data(contentsOf: path))
    } catch {
      print("families.json cannot be read: \(error)")
      return Families(texts: [], tokenizers: [])
    }
  }()
}

/// The kinds of tokenizers that language models have, as the `tokenizers` package has them.
@Suite struct FamilyTests {
  /// `normalizers.StripAccents()` of tokenizers 0.23 was asked for every character: it knows the marks of Unicode 9, and
  /// those of Newa, which are of that version, stayed here.
  @Test func accentsAreThoseThatThePackageKnows() {
    let gone: [UInt32] = [
      0x301, 0x345, 0x8d4, 0x8e1, 0x903, 0x1cf2, 0x1cf3, 0x1dfb, 0x20dd, 0xa8c5, 0x11435, 0x11446,
      0x11c2f, 0x1e02a,
    ]
    let kept: [UInt32] = [
      0x7fd, 0x8d3, 0x1abf, 0x1cf7, 0x1df6, 0x1dfa, 0x111c9, 0x1133b, 0x1145e, 0x1e130,
    ]
    for (numbers, isGone) in [(gone, true), (kept, false)] {
      for number in numbers {
        guard let scalar = Unicode.Scalar(number) else { continue }
        let text = Array("a\(Character(scalar))b".utf8)
        #expect(
          Normalizer.stripMarks.normalize(text) == (isGone ? Array("ab".utf8) : text), "\(scalar)")
      }
    }
  }

  @Test func everyFamilyIsThere() {
    #expect(Families.all.texts.count == 24)
    #expect(Families.all.tokenizers.count == 21)
  }

  @Test(arguments: Families.all.tokenizers)
  func encodesAndDecodes(_ family: Families.Family) throws {
    let tokenizer = try BytePairTokenizer(json: bytes(family.file), path: "t")
    #expect(String(decoding: tokenizer.json, as: UTF8.self) == family.file)
    for (index, text) in Families.all.texts.enumerated() {
      #expect(tokenizer.encode(text) == family.tokens[index], "\(text.debugDescription)")
      let decoded = tokenizer.decode(family.tokens[index])
      #expect(bytes(decoded) == bytes(family.decoded[index]), "\(text.debugDescription)")
    }
    for random in family.random {
      let text = tokenizer.decode(random.tokens, skippingSpecial: false)
      #expect(bytes(text) == bytes(random.text), "\(random.tokens)")
    }
    for (text, tokens) in zip(Families.all.texts[3..<6], family.whole) {
      #expect(tokenizer.start + tokenizer.encode(text) + tokenizer.end == tokens)
    }
  }

  /// A stream of tokens gives the text of all of them.
  @Test(arguments: Families.all.tokenizers)
  func streams(_ family: Families.Family) throws {
    let tokenizer = try BytePairTokenizer(json: bytes(family.file), path: "t")
    for (index, text) in Families.all.texts.enumerated() {
      var stream = TextStream(tokenizer)
      var found = ""
      for token in family.tokens[index] { found += stream.append(token) }
      found += stream.finish()
      #expect(bytes(found) == bytes(family.decoded[index]), "\(text.debugDescription)")
    }
  }
}

/// Regular expressions that cut texts, beyond those of the families.
@Suite struct PieceExpressionTests {
  private func matches(_ pattern: String, _ text: String) throws -> [String] {
    let expression = try PieceExpression(pattern)
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBufferPointer { bytes in
      var matcher = PieceMatcher(expression, bytes)
      var found: [String] = []
      var position = 0
      while let range = matcher.next(from: position) {
        found.append(String(decoding: bytes[range], as: UTF8.self))
        position = range.upperBound
      }
      return found
    }
  }

  @Test(arguments: [
    ("a{2,3}b", "aab aaab aaaab ab", ["aab", "aaab", "aaab"]),
    ("(?:ab|a)b", "abb ab", ["abb", "ab"]),
    ("a+ab", "aaab", ["aaab"]),
    ("a++ab", "aaab", []),
    ("x(?=y)", "xy xz xy", ["x", "x"]),
    ("x(?!y).", "xy xz", ["xz"]),
    ("^a|b$", "ab ab", ["a", "b"]),
    ("[^a-c\\s]+", "abcd ef", ["d", "ef"]),
    ("(?:ab){2}|c?d", "ababd cd", ["abab", "d", "cd"]),
    ("\\P{L}+", "a1é2", ["1", "2"]),
    ("[[:x]y]", "y:", ["y", ":"]),
    ("(?i:k)\\u00e9", "K\u{e9}\u{212a}\u{e9}", ["K\u{e9}", "\u{212a}\u{e9}"]),
  ])
  func finds(_ pattern: String, _ text: String, _ expected: [String]) throws {
    #expect(try matches(pattern, text) == expected)
  }

  @Test(arguments: [
    "(a+)+", "(a*)*", "a{3,1}", "(a", "a)", "[a", "*a", "a*?", "\\q", "(?<n>a)", "[a&&b]",
  ])
  func refuses(_ pattern: String) {
    #expect(throws: PieceExpression.Failure.self) { try PieceExpression(pattern) }
  }
}
