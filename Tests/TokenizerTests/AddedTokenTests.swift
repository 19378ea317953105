import Foundation
import Testing

@testable import Tokenizer

/// Added tokens of all kinds are found where the `tokenizers` package finds them.
@Suite struct AddedTokenTests {
  /// What `Fixtures/make_added_tokens.py` found out.
  private struct Case: Decodable {
    var file: String
    var texts: [String]
    var tokens: [[Int32]]
  }

  @Test func areThoseOfThePackage() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/added_tokens.json")
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: path))
    #expect(cases.count == 150)
    #expect(cases.reduce(0) { $0 + $1.texts.count } > 1000)
    for expected in cases {
      let tokenizer = try BytePairTokenizer(json: bytes(expected.file), path: "t")
      for (text, tokens) in zip(expected.texts, expected.tokens) {
        let found = tokenizer.encode(text)
        #expect(found == tokens, "\(text.debugDescription) with \(expected.file)")
      }
    }
  }

  /// A million spaces, each a token that takes all the others along.
  @Test(.timeLimit(.minutes(1)), arguments: [(true, false), (false, true), (true, true)])
  func takeALinearTime(_ strips: (left: Bool, right: Bool)) throws {
    var token = AddedToken(id: 1, content: " ")
    (token.stripsLeft, token.stripsRight) = strips
    let tokenizer = BytePairTokenizer(
      model: BytePairModel(contents: [bytes("a")], merges: []), splitting: .characters,
      decoders: nil, addedTokens: [token], file: .null)
    let text = "a" + String(repeating: " ", count: 1 << 18) + "a"
    #expect(tokenizer.encode(text).count > 2)
  }
}
