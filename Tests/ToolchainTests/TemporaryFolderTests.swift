import Foundation
import ModelFixtures
import Testing

@testable import Toolchain

/// Folders that processes left when they were killed.
@Suite struct TemporaryFolderTests {
  @Test func onlyWhatNobodyHoldsIsRemoved() throws {
    let parent = URL(fileURLWithPath: try ModelFixture.folder())
    let names = [
      "moec-" + UUID().uuidString, "moec-cache", "moec-" + UUID().uuidString, "other",
      "moec-" + UUID().uuidString,
    ]
    for name in names.prefix(4) {
      let folder = parent.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
      try Data("x".utf8).write(to: folder.appendingPathComponent("file"))
    }
    // A link to a folder is not what it leads to.
    try FileManager.default.createSymbolicLink(
      atPath: parent.appendingPathComponent(names[4]).path, withDestinationPath: "other")
    let held = open(parent.appendingPathComponent(names[2]).path, O_RDONLY)
    try #require(flock(held, LOCK_EX | LOCK_NB) == 0)
    defer { close(held) }
    TemporaryFolder.removeLeftOvers(in: parent)
    #expect(try left(parent) == names.sorted())
    TemporaryFolder.removeLeftOvers(in: parent, olderThan: 0)
    #expect(try left(parent) == names.dropFirst().sorted())
    #expect(try left(parent.appendingPathComponent("other")) == ["file"])
  }

  @Test func oneThatIsInUseIsHeld() throws {
    let folder = try TemporaryFolder()
    TemporaryFolder.removeLeftOvers(in: folder.url.deletingLastPathComponent(), olderThan: 0)
    #expect(FileManager.default.fileExists(atPath: folder.url.path))
    folder.remove()
    #expect(!FileManager.default.fileExists(atPath: folder.url.path))
  }

  private func left(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }
}
