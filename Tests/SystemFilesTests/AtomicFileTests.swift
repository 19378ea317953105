import Foundation
import ModelFixtures
import Testing

@testable import SystemFiles

@Suite struct AtomicFileTests {
  private func contents(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func appearsWhole() throws {
    let folder = try ModelFixture.folder()
    let file = try AtomicFile(replacing: folder + "/a")
    try file.write(Array("new".utf8))
    #expect(try contents(folder) != ["a"], "nothing may have its name before it is whole")
    try file.commit()
    #expect(try contents(folder) == ["a"])
    #expect(try String(contentsOfFile: folder + "/a", encoding: .utf8) == "new")
  }

  @Test func leavesTheOldFileAndNothingElseWhenDropped() throws {
    let folder = try ModelFixture.folder()
    try "old".write(toFile: folder + "/a", atomically: false, encoding: .utf8)
    do {
      let file = try AtomicFile(replacing: folder + "/a")
      try file.write(Array("new".utf8))
    }
    #expect(try contents(folder) == ["a"])
    #expect(try String(contentsOfFile: folder + "/a", encoding: .utf8) == "old")
  }

  @Test func keepsALinkAndItsFilesPermissions() throws {
    let folder = try ModelFixture.folder()
    try "old".write(toFile: folder + "/real", atomically: false, encoding: .utf8)
    #expect(chmod(folder + "/real", 0o600) == 0)
    #expect(symlink("real", folder + "/link") == 0)
    let file = try AtomicFile(replacing: folder + "/link")
    try file.write(Array("new".utf8))
    try file.commit()
    let manager = FileManager.default
    #expect(try manager.destinationOfSymbolicLink(atPath: folder + "/link") == "real")
    #expect(try String(contentsOfFile: folder + "/real", encoding: .utf8) == "new")
    let mode = try manager.attributesOfItem(atPath: folder + "/real")[.posixPermissions]
    #expect(mode as? Int == 0o600)
  }

  @Test func refusesPlacesThatCannotBeWritten() throws {
    let folder = try ModelFixture.folder()
    let absent = folder + "/no/such/a"
    #expect(throws: FileError(operation: "write", path: absent, code: ENOENT)) {
      try AtomicFile.check(absent)
    }
    #expect(throws: FileError(operation: "write", path: folder, code: EISDIR)) {
      try AtomicFile.check(folder)
    }
    #expect(throws: FileError(operation: "write", path: "/dev/null", code: EINVAL)) {
      try AtomicFile.check("/dev/null")
    }
    #expect(try contents(folder) == [])
  }

  @Test func dotsLeadWhereTheSystemSays() throws {
    let folder = try ModelFixture.folder()
    try FileManager.default.createDirectory(
      atPath: folder + "/deep/er", withIntermediateDirectories: true)
    #expect(symlink("deep/er", folder + "/link") == 0)
    for name in ["a", "deep/a"] { try AtomicFile.write("old", to: folder + "/" + name) }
    let nowhere = folder + "/missing/../a"
    #expect(throws: FileError(operation: "write", path: nowhere, code: ENOENT)) {
      try AtomicFile.write("new", to: nowhere)
    }
    try AtomicFile.write("new", to: folder + "/link/../a")
    try AtomicFile.write("new", to: folder + "/link/../b")
    #expect(try String(contentsOfFile: folder + "/a", encoding: .utf8) == "old")
    #expect(try String(contentsOfFile: folder + "/deep/a", encoding: .utf8) == "new")
    #expect(try contents(folder + "/deep") == ["a", "b", "er"])
    #expect(throws: FileError(operation: "write", path: folder + "/c/", code: EISDIR)) {
      try AtomicFile.write("new", to: folder + "/c/")
    }
  }

  @Test func writesUnderALongName() throws {
    let folder = try ModelFixture.folder()
    let name = String(repeating: "n", count: 255)
    let file = try AtomicFile(replacing: folder + "/" + name)
    try file.write([1.5] as [Float])
    try file.commit()
    #expect(try contents(folder) == [name])
  }

  @Test func removesWhatAKilledWriterLeft() throws {
    let folder = try ModelFixture.folder()
    let old = folder + "/.a.\(UUID().uuidString).tmp"
    let young = folder + "/.a.\(UUID().uuidString).tmp"
    let other = folder + "/.a.notes.tmp"
    for path in [old, young, other] {
      try "x".write(toFile: path, atomically: false, encoding: .utf8)
    }
    for path in [old, other] {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -3600)], ofItemAtPath: path)
    }
    try AtomicFile.check(folder + "/a")
    #expect(
      try contents(folder) == [young, other].map { ($0 as NSString).lastPathComponent }.sorted())
  }

  @Test func givesAFileASecondName() throws {
    let folder = try ModelFixture.folder()
    try AtomicFile.write("one", to: folder + "/a")
    try AtomicFile.write("old", to: folder + "/b")
    #expect(AtomicFile.link(folder + "/a", as: folder + "/b"))
    try AtomicFile.write("two", to: folder + "/a")
    #expect(try String(contentsOfFile: folder + "/b", encoding: .utf8) == "one")
    #expect(try contents(folder) == ["a", "b"])
    #expect(!AtomicFile.link(folder + "/absent", as: folder + "/b"))
  }
}
