import Foundation
import ModelFixtures
import ModelRuntime
import Testing
import Tokenizer

@testable import Runner

/// Rows of conversations, and the batches that are made of them.
@Suite struct ConversationRowsTests {
  private func rows(_ lengths: [Int], _ context: Int) -> [[Int]] {
    let rows = ConversationRows(packing: lengths, context: context)
    return (0..<rows.count).map { Array(rows[$0]) }
  }

  /// 5 + 3, 4 + 4, 4 + 2 + 1, by hand: what is longest comes first, into the fullest row that has room.
  @Test func theBestFitIsTaken() {
    #expect(rows([4, 2, 5, 4, 3, 1, 4], 8) == [[2, 4], [0, 3], [6, 1, 5]])
    #expect(rows([8, 1, 8], 8) == [[0], [2], [1]])
    #expect(rows([], 8) == [])
  }

  /// Against a plain search through all rows.
  @Test func everyTextIsInOneRowThatHasRoom() {
    var stream = RandomStream(seed: 3, .generation)
    for context in [1, 7, 64, 65, 200] {
      let lengths = (0..<300).map { _ in 1 + stream.next(below: context) }
      let found = rows(lengths, context)
      #expect(found.flatMap { $0 }.sorted() == Array(0..<300))
      var rooms: [Int] = []
      for length in lengths.sorted(by: >) {
        let best = rooms.indices.filter { rooms[$0] >= length }.min { rooms[$0] < rooms[$1] }
        if let best { rooms[best] -= length } else { rooms.append(context - length) }
      }
      #expect(
        found.map { context - $0.reduce(0) { $0 + lengths[$1] } }.sorted() == rooms.sorted())
    }
  }

  private func part(_ texts: [LearnedText], context: Int, packs: Bool) -> Conversations.Part {
    var all = LearnedTexts()
    for text in texts { all.append(text) }
    return Conversations.Part(all, context, packs: packs)
  }

  @Test func aBatchIsRowsOfTextsAndPadding() {
    let texts = [
      LearnedText(tokens: [1, 2, 3, 4], isLearned: [true, false, true, true]),
      LearnedText(tokens: [5, 6, 7], isLearned: [false, true, false]),
    ]
    let no = Model.ignoredTarget
    let packed = part(texts, context: 6, packs: true)
    #expect(packed.rows.count == 1 && packed.count == TokenCount(all: 5, learned: 3))
    let batch = packed.batch([0], of: 2, 6, packs: true)
    #expect(batch.tokens == [1, 2, 3, 5, 6, 0] + [0, 0, 0, 0, 0, 0])
    #expect(batch.targets == [no, 3, 4, 6, no, no] + [no, no, no, no, no, no])
    #expect(batch.beginnings == [0, 0, 0, 3, 3, 5] + [0, 0, 0, 0, 0, 0])
    let apart = part(texts, context: 6, packs: false)
    #expect(apart.rows.count == 2 && abs(apart.padding(6) - 7.0 / 12) < 1e-12)
    let single = apart.batch([1, 0], of: 2, 6, packs: false)
    #expect(single.tokens == [5, 6, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0])
    #expect(single.targets == [6, no, no, no, no, no, no, 3, 4, no, no, no])
    #expect(single.beginnings == nil)
  }

  private func conversations(
    _ count: Int, _ options: ConversationOptions = .init(), packs: Bool = false
  ) throws -> (data: Conversations, manifest: Manifest) {
    let path = try ModelFixture.folder() + "/data.jsonl"
    let lines = (0..<count).map { #"{"text":"\#(String(repeating: "ab", count: 1 + $0 % 3))"}"# }
    try (lines.joined(separator: "\n") + "\n").write(
      toFile: path, atomically: true, encoding: .utf8)
    let manifest = try ModelLibrary(path: try ModelFixture.bigram()).manifest
    let coding = TextCoding.characters(Vocabulary(of: Array("abc".unicodeScalars)))
    let data = try Conversations(
      path: path, manifest: manifest, coding: coding, files: try .init(beside: nil), options,
      packs: packs)
    return (data, manifest)
  }

  /// 27 to train on, in batches of 4: an epoch is 7 steps of one, and 4 of two, of which the last is short.
  @Test(arguments: [1, 2, 3])
  func anEpochHasEachConversationOnce(parts: Int) throws {
    let (data, manifest) = try conversations(30)
    #expect(data.training.texts.count == 27 && data.validation.texts.count == 3)
    let steps = data.stepsOfEpoch(of: parts, manifest)
    #expect(steps == (27 + 4 * parts - 1) / (4 * parts))
    var orders: [[[Int32]]] = []
    for epoch in 0..<2 {
      var (seen, count) = ([[Int32]](), TokenCount(all: 0, learned: 0))
      #expect(
        data.tokens(before: epoch * steps, of: parts, manifest, seed: 1)
          == epoch * data.training.count.all)
      for step in epoch * steps..<(epoch + 1) * steps {
        for part in 0..<parts {
          let batch = data.batch(step: step, part: part, of: parts, manifest, seed: 1)
          for row in 0..<4 {
            let kept = batch.targets[row * 8..<row * 8 + 8].filter { $0 != Model.ignoredTarget }
            if !kept.isEmpty { seen.append(kept) }
          }
        }
        count += data.count(step: step, of: parts, manifest, seed: 1)
        #expect(
          data.tokens(before: step + 1, of: parts, manifest, seed: 1)
            == epoch * data.training.count.all + count.all)
      }
      #expect(seen.count == 27 && count == data.training.count)
      for length in 1...3 { #expect(seen.count { $0.count == 2 * length - 1 } == 9) }
      orders.append(seen)
    }
    #expect(orders[0] != orders[1])
    let other = (0..<27).map { data.order.rows(27, epoch: 0, seed: UInt64($0))[0] }
    #expect(Set(other).count > 5)
  }

  /// The steps of an epoch go through the same order, whoever makes which of their batches.
  @Test func batchesAreThoseOfOneOrder() throws {
    let (data, manifest) = try conversations(30)
    let all = (0..<3).map { data.batch(step: $0, part: 0, of: 1, manifest, seed: 9) }
    for part in 0..<3 {
      #expect(data.batch(step: 0, part: part, of: 3, manifest, seed: 9) == all[part])
    }
  }

  @Test func allThatIsToValidateIsEvaluated() throws {
    let (data, manifest) = try conversations(60)
    #expect(data.usualEvaluationBatches(manifest) == 2)
    #expect(data.evaluationBatches(of: .training, atMost: 99, manifest) == 14)
    #expect(data.evaluationBatches(of: .training, atMost: 3, manifest) == 3)
    var batches = data.evaluation(of: .validation, step: 5, manifest, seed: 1)
    let targets = (0..<2).flatMap { _ in batches.next().targets }
    #expect(targets.count { $0 != Model.ignoredTarget } == data.validation.count.learned)
  }

  @Test func longOnesLoseTheirEndsOrAreRefused() throws {
    let path = try ModelFixture.folder() + "/data.jsonl"
    let lines = [
      #"{"text":"abababababab"}"#, #"{"prompt":"aaaaaaaaaa","completion":"b"}"#, #"{"text":"ab"}"#,
    ]
    try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
    let coding = TextCoding.characters(Vocabulary(of: Array("ab".unicodeScalars)))
    var reader = ConversationReader(coding, try .init(beside: nil), .init(), context: 8)
    let texts = try reader.texts(of: path)
    #expect(texts.count == 2 && texts.span(of: 0).count == 9 && texts.length(of: 1) == 1)
    #expect(reader.findings == .init(lines: 3, truncated: 2, unlearned: 1, longest: 12))
    var options = ConversationOptions()
    options.tooLong = .refuse
    var strict = ConversationReader(coding, try .init(beside: nil), options, context: 8)
    let error = #expect(throws: LineError.self) { try strict.texts(of: path) }
    #expect(error?.message.hasPrefix("\(path):1: the conversation has 12 tokens") == true)
  }

  @Test func whatIsLeftMustBeEnough() throws {
    let error = #expect(throws: ConversationsError.self) { try conversations(1) }
    #expect(error?.message.hasSuffix("too few for a part to validate on") == true)
    let two = try conversations(2).data
    #expect(two.training.texts.count == 1 && two.validation.texts.count == 1)
  }

  /// Neither from conversations nor from choices are characters left out in silence.
  @Test func charactersWithoutATokenAreNamed() throws {
    let known = TextCoding.subwords(BytePairTokenizer(characters: Array("abc ".unicodeScalars)))
    let path = try ModelFixture.folder() + "/data.jsonl"
    try #"{"text":"abc"}"#.appending("\n").appending(#"{"text":"azbz"}"#)
      .write(toFile: path, atomically: true, encoding: .utf8)
    var reader = ConversationReader(known, try .init(beside: nil), .init(), context: 8)
    let error = #expect(throws: LineError.self) { try reader.texts(of: path) }
    #expect(error?.message.hasPrefix("\(path):2: the tokenizer has no token for 2 char") == true)
    let lost = LostCharacters(known)
    #expect(throws: Never.self) { try lost.check("cab abc") }
    #expect(throws: LineError.Reason.self) { try lost.check("abd") }
  }

  @Test func otherDataIsOther() throws {
    let (one, _) = try conversations(30)
    let prints = [
      one.fingerprint, try conversations(31).data.fingerprint,
      try conversations(30, packs: true).data.fingerprint,
    ]
    let again = try conversations(30).data.fingerprint
    #expect(Set(prints).count == 3 && again == one.fingerprint)
  }
}
