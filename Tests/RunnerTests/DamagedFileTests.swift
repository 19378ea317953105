import Foundation
import ModelFixtures
import ModelRuntime
import SystemFiles
import Testing
import Tokenizer

@testable import Runner

/// Texts and token shards are taken or refused, soon; what is taken can be read to its end.
@Suite struct DamagedFileTests {
  @Test func tokenShards() throws {
    let manifest = try ModelLibrary(path: try ModelFixture.subword()).manifest
    let folder = try ModelFixture.folder() + "/shards"
    var writer = try TokenShardWriter(
      folder: folder, tokenizer: try sampleTokenizer(), shardTokens: 1000)
    try writer.add(fileWith(String(repeating: subwordText, count: 6)))
    try writer.finish()
    let path = folder + "/" + TokenShards.name(0)
    let seed = try WholeFile.bytes(of: path)
    var random = Mutator(seed: 1)
    let outcome = Damaged([seed], count: 200).read { bytes in
      var bytes = bytes
      // A header whose check is right is read further.
      if bytes.count >= 64, random.below(2) == 0 { Self.mend(&bytes) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let corpus = try Corpus(path: folder, manifest: manifest)
      _ = corpus.fingerprint
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  private static func mend(_ bytes: inout [UInt8]) {
    let hash = bytes[..<56].reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    for index in 0..<8 { bytes[56 + index] = UInt8(truncatingIfNeeded: hash >> (8 * index)) }
  }

  @Test func texts() throws {
    let manifest = try ModelLibrary(path: try ModelFixture.wide()).manifest
    let path = try ModelFixture.folder() + "/text"
    let seed = Array(String(repeating: "abc def\r\nghé ", count: 20).utf8)
    let outcome = Damaged([seed], count: 25).read { bytes in
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      _ = try Corpus(path: path, manifest: manifest).fingerprint
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  /// What a resumed run reads of its own log.
  @Test func logsThatAreGoneOnWith() throws {
    let path = try ModelFixture.folder() + "/log"
    let line = #"{"step":10,"train_loss":2.5,"val_loss":2.6,"seconds":1.25,"tokens":320}"# + "\n"
    let outcome = Damaged([Array((line + line).utf8)], count: 200).read { bytes in
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      _ = try TrainingLog(path: path, keepingThrough: 20)
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }
}
