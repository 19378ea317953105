import Foundation
import ModelFixtures
import SystemFiles
import Testing

/// Folders, and why they cannot be made.
@Suite struct NewFolderTests {
  @Test func makesAllAbove() throws {
    let folder = try ModelFixture.folder()
    for _ in 0..<2 { #expect(NewFolder.make("\(folder)/a/./b//c/") == 0) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/a/b") == ["c"])
  }

  @Test func saysWhyNot() throws {
    let folder = try ModelFixture.folder()
    try "mine".write(toFile: "\(folder)/file", atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/link", withDestinationPath: "nowhere")
    let long = String(repeating: "a", count: 300)
    for (name, code) in [
      ("file", ENOTDIR), ("file/x", ENOTDIR), ("link", EEXIST), ("link/x", EEXIST),
      (long, ENAMETOOLONG),
    ] {
      #expect(NewFolder.make("\(folder)/\(name)") == -1)
      #expect(errno == code, "\(name)")
    }
  }
}
