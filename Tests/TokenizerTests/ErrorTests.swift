import Foundation
import Testing

@testable import Tokenizer

/// A small file, changed where a test wants it wrong.
private func file(
  _ change: (inout [String: Any]) -> Void = { _ in },
  model: (inout [String: Any]) -> Void = { _ in }
) throws -> [UInt8] {
  var part: [String: Any] = [
    "type": "BPE", "vocab": ["a": 0, "b": 1, "ab": 2], "merges": [["a", "b"]],
  ]
  model(&part)
  var file: [String: Any] = ["model": part]
  change(&file)
  return Array(try JSONSerialization.data(withJSONObject: file))
}

private func problem(_ json: [UInt8]) -> TokenizerError? {
  #expect(throws: TokenizerError.self) { try BytePairTokenizer(json: json, path: "t.json") }
}

@Suite struct TokenizerErrorTests {
  @Test func readsTheSmallFile() throws {
    let tokenizer = try BytePairTokenizer(json: file(), path: "t.json")
    #expect(tokenizer.encode("abba") == [2, 1, 0])
    #expect(tokenizer.count == 3)
  }

  @Test func saysWhereTheFileIsNotJSON() {
    let broken = [UInt8]("{\"model\": {\"vocab\": {\"a\" 0}}}".utf8)
    #expect(
      problem(broken) == .notJSON(path: "t.json", offset: 25, reason: "':' is expected"))
    #expect(problem([])?.message == "t.json is not JSON: a value is expected at byte 0")
    #expect(problem([0x22, 0xff, 0x22])?.message.contains("not UTF-8") == true)
    let deep = [UInt8](String(repeating: "[", count: 100_000).utf8)
    #expect(problem(deep)?.message.contains("nested too deeply") == true)
  }

  @Test func saysThatThereIsNoFile() {
    let error = #expect(throws: TokenizerError.self) {
      try BytePairTokenizer(path: "/nowhere/tokenizer.json")
    }
    #expect(error?.message == "cannot read /nowhere/tokenizer.json: No such file or directory")
  }

  @Test(
    arguments: [
      ("model", "WordPiece"), ("model", "Unigram"), ("pre_tokenizer", "UnicodeScripts"),
      ("normalizer", "Precompiled"), ("decoder", "CTC"),
    ])
  func namesWhatIsNotSupported(part: String, type: String) throws {
    let json = try file(
      { if part != "model" { $0[part] = ["type": type] } },
      model: { if part == "model" { $0["type"] = type } })
    #expect(problem(json) == .unsupported(path: "t.json", part: part, type: type))
  }

  @Test func namesWhatIsUnsupportedInASequence() throws {
    let steps: [([String: Any], String)] = [
      (["type": "UnicodeScripts"], "UnicodeScripts"),
      (
        ["type": "Split", "pattern": ["Regex": "(a+)+"], "behavior": "Isolated"],
        "it repeats what repeats"
      ),
      (["type": "Split", "pattern": ["Regex": "a"], "behavior": "Torn"], "Torn"),
      (["type": "Split", "behavior": "Isolated"], "has no pattern"),
      (["type": "Metaspace", "replacement": "ab"], "is no single character"),
      (["type": "ByteLevel"], "ByteLevel behind ByteLevel"),
    ]
    for (step, expected) in steps {
      let before = step["type"] as? String == "ByteLevel" ? [step] : []
      let json = try file({
        $0["pre_tokenizer"] = ["type": "Sequence", "pretokenizers": before + [step]]
      })
      #expect(problem(json)?.message.contains(expected) == true, "\(problem(json)?.message ?? "")")
    }
  }

  @Test func refusesWhatWouldEncodeOtherwise() throws {
    for (name, value) in [
      ("continuing_subword_prefix", "##" as Any), ("end_of_word_suffix", "</w>"), ("dropout", 0.1),
    ] {
      let error = problem(try file(model: { $0[name] = value }))
      #expect(error?.message.contains(name) == true)
      #expect(error?.hint.contains("models of type BPE are supported") == true)
    }
    // None of these changes anything.
    let harmless = try file(model: {
      $0["dropout"] = 0.0
      $0["end_of_word_suffix"] = ""
    })
    #expect(try BytePairTokenizer(json: harmless, path: "t").encode("ab") == [2])
  }

  @Test func namesTokensThatMergesMissAndTheirLine() throws {
    let unmade = try file(model: { $0["merges"] = [["a", "b"], ["b", "a"]] })
    #expect(problem(unmade) == .unknownMergeToken(path: "t.json", line: 2, token: "ba"))
    let unknown = try file(model: { $0["merges"] = ["#version: 0.2", "a c"] })
    #expect(problem(unknown) == .unknownMergeToken(path: "t.json", line: 1, token: "c"))
    for bad in ["a", "a b c", ["a"], 3] as [Any] {
      let error = problem(try file(model: { $0["merges"] = [bad] }))
      #expect(error?.message.contains("no pair of tokens in line 1") == true)
    }
  }

  @Test func refusesVocabulariesThatContradictThemselves() throws {
    let cases: [([String: Any], String)] = [
      (["a": 0, "b": 0], "the number 0"), (["a": -1], "the number -1"),
      (["a": 1 << 40], "the number"), (["a": "x"], "a string, not a number"), ([:], "is empty"),
    ]
    for (vocabulary, text) in cases {
      let json = try file(model: {
        $0["vocab"] = vocabulary
        $0["merges"] = [] as [Any]
      })
      let error = problem(json)
      #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }
    let twice = #"{"model":{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}}"#
    #expect(problem(bytes(twice))?.message.contains("has \"a\" twice") == true)
    #expect(problem(try file(model: { $0["vocab"] = nil }))?.message.contains("is missing") == true)
    #expect(problem(bytes("{}"))?.message.contains("model is missing") == true)
    #expect(problem(bytes("[1]"))?.message.contains("is a list") == true)
    let lost = problem(try file(model: { $0["unk_token"] = "<unk>" }))
    #expect(lost?.message.contains("\"<unk>\" is not in the vocabulary") == true)
  }

  @Test func refusesAddedTokensThatContradictTheVocabulary() throws {
    for (id, content) in [(1, "a"), (1, "<x>"), (-2, "<x>")] {
      let json = try file({ $0["added_tokens"] = [["id": id, "content": content]] })
      #expect(problem(json)?.message.contains("added_tokens[0]") == true)
    }
    let json = try file({ $0["added_tokens"] = [["id": 9, "content": "<x>", "special": true]] })
    let tokenizer = try BytePairTokenizer(json: json, path: "t")
    #expect(tokenizer.count == 10)
    #expect(tokenizer.encode("ab<x>a") == [2, 9, 0])
    #expect(tokenizer.token(named: "<x>") == 9)
  }

  /// Two spellings of é are two tokens, though Swift strings take them for equal.
  @Test func tellsSpellingsApart() throws {
    let json =
      #"{"model":{"type":"BPE","vocab":{"\u00e9":0,"e":1,"\u0301":2,"e\u0301":3},"#
      + #""merges":[["e","\u0301"]]}}"#
    let tokenizer = try BytePairTokenizer(json: bytes(json), path: "t")
    #expect(tokenizer.encode("\u{e9}e\u{301}") == [0, 3])
    #expect(Array(tokenizer.decode([3, 0]).unicodeScalars) == ["e", "\u{301}", " ", "\u{e9}"])
  }

  @Test func trainingNeedsRoomForTheBytes() throws {
    var trainer = BytePairTrainer(vocabulary: 256)
    #expect(try trainer.train(on: PieceCounts()).count == 256)
    trainer.specialTokens = ["<|end|>", "!"]
    // "!" is a byte's token already.
    #expect(throws: TokenizerError.tooSmall(asked: 256, needed: 257)) {
      try trainer.train(on: PieceCounts())
    }
  }

  @Test func leavesRarePairsAlone() throws {
    var pieces = PieceCounts()
    pieces.add("abab abab abab cd")
    var trainer = BytePairTrainer(vocabulary: 300)
    trainer.minimumCount = 2
    let tokenizer = try trainer.train(on: pieces)
    #expect(tokenizer.token(named: "abab") != nil)
    #expect(tokenizer.token(named: "cd") == nil)
  }
}
