import Foundation
import ModelFixtures
import Testing
import Tokenizer

@testable import Runner

@Suite struct TokenShardTests {
  /// A folder of shards of these texts.
  private func shards(
    _ texts: [String] = [subwordText], _ tokenizer: BytePairTokenizer? = nil, size: Int = 100,
    separator: String? = nil
  ) throws -> String {
    let folder = try ModelFixture.folder() + "/shards"
    var writer = try TokenShardWriter(
      folder: folder, tokenizer: try tokenizer ?? sampleTokenizer(), separator: separator,
      shardTokens: size)
    for text in texts { try writer.add(fileWith(text)) }
    try writer.finish()
    return folder
  }

  private func problem(_ folder: String) -> TokenShardError? {
    #expect(throws: TokenShardError.self) { try TokenShards(folder: folder) }
  }

  @Test func haveTheTokensOfTheText() throws {
    let tokenizer = try sampleTokenizer()
    let tokens = tokenizer.encode(subwordText)
    for size in [100, tokens.count, tokens.count - 1, 1 << 20] {
      let shards = try TokenShards(folder: shards(size: size))
      #expect(shards.count == tokens.count)
      #expect((0..<shards.count).map { shards[$0] } == tokens)
      #expect(shards.tokenizer == tokenizer)
    }
    let wide = BytePairTokenizer(characters: (0..<70_000).compactMap { Unicode.Scalar($0 + 32) })
    let rare = try TokenShards(folder: shards(["a\u{11000}b"], wide))
    #expect((0..<rare.count).map { rare[$0] } == wide.encode("a\u{11000}b"))
    #expect(rare[1] > 65_535)
  }

  /// A mapped corpus trains to the same bits as the text it was made of, and reports the same.
  @Test func trainLikeTheText() throws {
    let path = try tokenizerFile(sampleTokenizer())
    var settings = TrainingSettings()
    settings.steps = 12
    settings.evaluationInterval = 5
    settings.evaluationBatches = 2
    var lines: [[String]] = [[], []]
    let text = try subwordSession(tokenizer: path)
    try text.train(settings) { lines[0].append($0) }
    let mapped = try subwordSession(data: shards(), tokenizer: nil)
    try mapped.train(settings) { lines[1].append($0) }
    #expect(try state(text.model) == state(mapped.model))
    #expect(lines[0] == lines[1])
    #expect(lines[0].count == 4)
    #expect(text.corpus?.charactersPerToken == mapped.corpus?.charactersPerToken)
  }

  /// A window is a function of seed and step, so a resumed run draws what the whole one drew.
  @Test func resumeBitForBit() throws {
    let folder = try shards(size: 64)
    let place = try ModelFixture.folder()
    var settings = TrainingSettings()
    settings.evaluationBatches = 1
    var files = TrainingFiles()
    func session(_ parameters: Session.Parameters = .initialized) throws -> Session {
      try subwordSession(data: folder, tokenizer: nil, parameters: parameters)
    }
    settings.steps = 30
    let whole = try session()
    try whole.train(settings) { _ in }
    settings.steps = 11
    files.save = place + "/half"
    try session().train(settings, files: files) { _ in }
    settings.steps = 30
    let resumed = try session(.checkpoint(place + "/half"))
    try resumed.train(settings, files: files) { _ in }
    #expect(try state(whole.model) == state(resumed.model))
  }

  @Test func separateTexts() throws {
    let tokenizer = try sampleTokenizer()
    let end = try #require(tokenizer.token(named: "<|end|>"))
    let shards = try TokenShards(folder: shards(["ab ", "cé"], separator: "<|end|>"))
    #expect(
      (0..<shards.count).map { shards[$0] }
        == tokenizer.encode("ab ") + [end] + tokenizer.encode("cé") + [end])
    #expect(shards.characters(before: shards.count) == 5)
    #expect(throws: TokenShardError.noSeparator("<x>")) { try self.shards(separator: "<x>") }
  }

  @Test func refuseWhatIsCutOffForeignOrMissing() throws {
    let folder = try shards()
    let first = folder + "/000000.tokens"
    let second = folder + "/000001.tokens"
    let whole = try Data(contentsOf: URL(fileURLWithPath: first))
    func expect(_ bytes: Data, _ expected: TokenShardProblem) throws {
      try bytes.write(to: URL(fileURLWithPath: first))
      #expect(problem(folder) == .shard(path: first, expected))
    }
    try expect(whole.dropLast(1), .truncated(bytes: 263, needed: 264))
    try expect(whole.prefix(20), .truncated(bytes: 20, needed: 64))
    try expect(Data(), .truncated(bytes: 0, needed: 64))
    #expect(
      TokenShardError.shard(path: first, .truncated(bytes: 1_000, needed: 2_064)).message
        == "\(first) is cut off: 1,000 of 2,064 bytes")
    try expect(whole + [0], .tooLong(bytes: 265, needed: 264))
    try expect(Data(repeating: 7, count: 100), .foreign)
    let damages = [(8, TokenShardProblem.version(2)), (33, .damagedHeader), (60, .damagedHeader)]
    for (offset, expected) in damages {
      var changed = whole
      changed[offset] = changed[offset] == 1 ? 2 : changed[offset] ^ 8
      try expect(changed, expected)
    }
    try expect(Data(contentsOf: URL(fileURLWithPath: second)), .outOfPlace(expected: 0, found: 1))
    try whole.write(to: URL(fileURLWithPath: first))
    _ = try TokenShards(folder: folder)

    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    let last = folder + "/" + (try #require(names.last { $0.hasSuffix(".tokens") }))
    let lastBytes = try Data(contentsOf: URL(fileURLWithPath: last))
    try FileManager.default.removeItem(atPath: last)
    guard case .shard(_, .notTheLast)? = problem(folder) else {
      Issue.record("a missing last shard")
      return
    }
    try lastBytes.write(to: URL(fileURLWithPath: last))
    try FileManager.default.removeItem(atPath: second)
    guard case .shard(_, .outOfPlace(expected: 1, found: 2))? = problem(folder) else {
      Issue.record("a missing shard in the middle")
      return
    }
  }

  @Test func refuseAnotherTokenizer() throws {
    let folder = try shards()
    let other = try sampleTokenizer(280)
    #expect(
      throws: CorpusError.otherTokenizer(first: folder, second: "the weights or --tokenizer")
    ) { try subwordSession(data: folder, tokenizer: tokenizerFile(other)) }
    try Data(other.json).write(to: URL(fileURLWithPath: folder + "/tokenizer.json"))
    #expect(problem(folder) == .shard(path: folder + "/000000.tokens", .otherTokenizer))
    try FileManager.default.removeItem(atPath: folder + "/tokenizer.json")
    guard case .tokenizer(.unreadable)? = problem(folder) else {
      Issue.record("no tokenizer")
      return
    }
  }

  @Test func areNotWrittenOver() throws {
    let folder = try shards()
    #expect(throws: TokenShardError.occupied(folder: folder)) {
      try TokenShardWriter(folder: folder, tokenizer: sampleTokenizer())
    }
    #expect(throws: CorpusError.shards(.noShards(folder: "/usr"))) {
      try subwordSession(data: "/usr", tokenizer: nil)
    }
  }
}
