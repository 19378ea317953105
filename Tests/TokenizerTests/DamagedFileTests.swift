import Foundation
import ModelFixtures
import Testing

@testable import Tokenizer

/// A tokenizer's file is taken or refused, soon; what is taken encodes and decodes soon.
@Suite struct DamagedFileTests {
  @Test func tokenizers() throws {
    let names: Set<String> = ["added tokens", "byte fallback", "some bytes, fused", "unknown"]
    let seeds = Cases.all.tokenizers.filter { names.contains($0.name) }.map { bytes($0.given) }
    #expect(seeds.count == names.count)
    let outcome = Damaged(seeds + [bytes(Self.small)], count: 300).read { file in
      let tokenizer = try BytePairTokenizer(json: file, path: "t")
      let tokens = tokenizer.encode("Hello, ça \u{1F600} 12  \n\n <|end|> the </s> banana")
      _ = tokenizer.decode(tokens)
      _ = tokenizer.decode([0, -1, .max, 5])
      _ = (tokenizer.characterCounts(), tokenizer.fingerprint)
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  private static let small = """
    {"added_tokens":[{"id":3,"content":" ","lstrip":true,"rstrip":true}],
     "normalizer":{"type":"Sequence","normalizers":[
       {"type":"Prepend","prepend":"_"},
       {"type":"Replace","pattern":{"String":"a"},"content":"aaaa"}]},
     "decoder":{"type":"Replace","pattern":{"String":"a"},"content":"bb"},
     "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
    """

  /// A normalizer or decoder with these steps.
  private func file(_ part: String, _ steps: [String]) -> [UInt8] {
    let list = "\"\(part)s\":[\(steps.joined(separator: ","))]"
    return bytes(
      "{\"\(part)\":{\"type\":\"Sequence\",\(list)},"
        + "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}")
  }

  private func replace(_ pattern: String, _ content: String) -> String {
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\(pattern)\"},\"content\":\"\(content)\"}"
  }

  private func refusal(_ file: [UInt8]) -> String? {
    do throws(TokenizerError) {
      _ = try BytePairTokenizer(json: file, path: "t")
      return nil
    } catch {
      return error.message
    }
  }

  @Test(arguments: ["normalizer", "decoder"])
  func refusesReplacementsThatGrowWithoutMeasure(_ part: String) throws {
    let bomb = [String](repeating: replace("a", String(repeating: "a", count: 100)), count: 4)
    #expect(
      refusal(file(part, bomb))?.contains("\(part) can make a text more than 64 times") == true)
    let slow = [String](repeating: replace("a", "a"), count: 65)
    #expect(refusal(file(part, slow))?.contains("\(part) has 65 steps") == true)
    // Each of these may come to much, but no text meets more than one of them.
    let apart = "bcdefghijk".map { replace(String($0), String(repeating: "-", count: 9)) }
    #expect(refusal(file(part, apart)) == nil)
  }

  @Test func boundsWhatNormalizersMakeOfAText() {
    let steps: [Normalizer] = [
      .prepend(bytes("ab")), .replace(bytes("a"), with: bytes("bbb")),
      .replace(bytes("bb"), with: bytes("cde")),
    ]
    let growth = steps.growth
    for text in ["a", "b", "ab", "aaaa", "ba", "bb", "abab", "x"] {
      let made = steps.normalize(bytes(text)).count
      #expect(Double(made) <= growth * Double(text.utf8.count), "\(text)")
    }
    #expect(growth < 20)
  }

  @Test func aSmallFileHasNoLargeNumbers() {
    let file = bytes(
      "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":16000000},\"merges\":[]}}")
    #expect(refusal(file)?.contains("gives \"a\" the number 16000000") == true)
  }

  /// Thousands of added tokens that all begin alike, in a text of their beginnings.
  @Test(.timeLimit(.minutes(1))) func manyAddedTokensAreFoundInALinearTime() {
    let tokens = (0..<4000).map { number in
      AddedToken(id: Int32(number + 1), content: String(repeating: "a", count: 40) + "\(number)")
    }
    let tokenizer = BytePairTokenizer(
      model: BytePairModel(contents: [bytes("a")], merges: []), splitting: .characters,
      decoders: nil, addedTokens: tokens, file: .null)
    let found = tokenizer.encode(String(repeating: "a", count: 100_000) + "39997")
    #expect(found.count == 100_000 - 40 + 1)
    #expect(found.last == 4000)
  }
}
