import CText
import Tokenizer
import Words

/// Finds characters that a tokenizer has no token for, and leaves out.
struct LostCharacters {
  /// The tokenizer, and the characters of each token; nil where those are not known one by one, or others are
  /// refused anyway.
  private let known: (tokenizer: BytePairTokenizer, counts: [Int32])?

  init(_ coding: TextCoding) {
    guard case .subwords(let tokenizer) = coding, tokenizer.keepsCharacters else {
      known = nil
      return
    }
    known = (tokenizer, tokenizer.characterCounts(countingSpecial: true))
  }

  /// Errors: characters without a token.
  func check(_ text: String) throws(LineError.Reason) {
    if let known { try check(known.tokenizer.encode(text), of: Array(text.utf8)) }
  }

  /// Errors: tokens that stand for fewer characters than the text has.
  func check(_ tokens: [Int32], of text: [UInt8]) throws(LineError.Reason) {
    let lost = count(tokens, of: text)
    if lost > 0 {
      throw .init(
        "the tokenizer has no token for \(lost.of("character")) of it, and would leave them out",
        hint: "take them out, or use a tokenizer that knows every byte")
    }
  }

  /// How many characters of a text its tokens do not stand for.
  func count(_ tokens: [Int32], of text: [UInt8]) -> Int {
    guard let counts = known?.counts else { return 0 }
    let all = text_count_characters(text, text.count)
    return max(0, all - TokenSource.sum(of: counts, over: tokens[...]))
  }
}
