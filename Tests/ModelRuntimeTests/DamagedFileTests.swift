import Foundation
import ModelFixtures
import SystemFiles
import Testing

@testable import ModelRuntime

/// Every reader takes or refuses what it is given, soon and without a trap.
@Suite struct DamagedFileTests {
  private func bytes(_ path: String) throws -> [UInt8] { try WholeFile.bytes(of: path) }

  @Test func manifests() throws {
    let library = try ModelLibrary(path: try ModelFixture.routed())
    let json = try #require(library.functions.manifest().map { String(cString: $0) })
    let outcome = Damaged([Array(json.utf8)], count: 400).read { bytes in
      let manifest = try Manifest.decode(String(decoding: bytes, as: UTF8.self))
      _ = (manifest.parameterCount, manifest.fingerprint)
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  @Test func librariesAndTheirSources() throws {
    let machO = Self.machO(commands: 3, sections: 2)
    let library = try bytes(try ModelFixture.bigram())
    let path = try ModelFixture.folder() + "/damaged.so"
    let outcome = Damaged([library, machO], count: 200).read { bytes in
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      _ = try ObjectFile.defect(of: try InputFile(path: path))
      _ = try? EmbeddedSources(library: path)
    }
    #expect(outcome.slow == [])
    let sources = EmbeddedSources.magic + Self.words([1, 2]) + Array("axy".utf8)
    let parsed = Damaged([sources], count: 1000).read { _ = try EmbeddedSources.parse($0) }
    #expect(parsed.slow == [])
    #expect(parsed.taken > 0)
  }

  /// Commands of eight bytes, every second one with 4000 sections that lie in the others.
  @Test(.timeLimit(.minutes(1))) func overlappingLoadCommandsAreRefused() throws {
    let count = 50_000
    let commands = (0..<count).map { UInt64($0 % 16 < 8 ? 0x19 : 4000) | 8 << 32 }
    let bytes =
      Self.words([0xfeed_facf, 0, UInt64(count), 0] + commands)
      + [UInt8](repeating: 0, count: 4000 * 80 + 200)
    let path = try ModelFixture.file(bytes, named: "overlapping")
    let reason = "a load command is too short for its sections"
    #expect(throws: EmbeddedSourcesError.damaged(path: path, reason: reason)) {
      try EmbeddedSources(library: path)
    }
  }

  private static func words(_ words: [UInt64]) -> [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
  }

  private static func machO(commands: UInt64, sections: UInt64) -> [UInt8] {
    var bytes = words([0xfeed_facf, 0, commands, 0])
    for _ in 0..<min(commands, 10) {
      var command = words([0x19 | (72 + 80 * sections) << 32]) + [UInt8](repeating: 0, count: 64)
      command.replaceSubrange(64..<72, with: words([sections]))
      bytes += command + [UInt8](repeating: 0, count: Int(80 * sections))
    }
    return bytes
  }
}
