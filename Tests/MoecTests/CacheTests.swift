import Foundation
import ModelFixtures
import Testing

/// No command needs a cache, a home or any variable of the environment.
@Suite struct CacheTests {
  /// What is written is for whom the umask lets read it; what is replaced stays for whom it was.
  @Test func writtenFilesFollowTheUmask() throws {
    let folder = try ModelFixture.folder()
    try ModelFixture.source.write(
      toFile: folder + "/model.swift", atomically: false, encoding: .utf8)
    func modes(_ mask: String) throws -> [Int?] {
      let command = "umask \(mask); exec \"$0\" compile model.swift -o libx.so --generated c"
      let outcome = try Command.shell(command, in: folder)
      #expect(outcome.status == 0, "\(outcome)")
      return try ["libx.so", "libx.h", "c/model.c"].map { name in
        let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)
        return attributes[.posixPermissions] as? Int
      }
    }
    #expect(try modes("027") == [0o750, 0o640, 0o640])
    #expect(try modes("022") == [0o750, 0o640, 0o640])
    try FileManager.default.removeItem(atPath: folder + "/libx.so")
    #expect(try modes("002")[0] == 0o775)
  }

  @Test(arguments: [
    "-u HOME", "HOME=", "HOME=relative", "HOME=/dev/null", "HOME=$PWD/file", "-u HOME MOEC_CACHE=",
    "MOEC_CACHE=$PWD/file", "MOEC_CACHE=$PWD/file/below", "MOEC_CACHE=/proc/none",
    "XDG_CACHE_HOME=$PWD/file", "MOEC_CACHE=$PWD/open",
  ])
  func isNotNeeded(_ environment: String) throws {
    let folder = try ModelFixture.folder()
    try ModelFixture.source.write(
      toFile: folder + "/model.swift", atomically: false, encoding: .utf8)
    let script = """
      touch file; mkdir -m 777 open; touch open/keep.entry
      exec env -u MOEC_CACHE -u XDG_CACHE_HOME \(environment) "$0" check model.swift
      """
    let outcome = try Command.shell(script, in: folder)
    #expect(outcome.status == 0, "\(outcome)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(Set(names).isSubset(of: ["model.swift", "file", "open"]), "\(names)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/open") == ["keep.entry"])
    let isShared = environment.hasSuffix("/open")
    #expect(outcome.errors.contains("others may write there") == isShared, "\(outcome)")
  }
}
