import Foundation
import ModelFixtures
import SystemFiles
import Testing

@Suite struct PlainPathTests {
  @Test func dotsLeadOutOfWhereALinkLeads() throws {
    let folder = try ModelFixture.folder()
    try FileManager.default.createDirectory(
      atPath: folder + "/deep/er", withIntermediateDirectories: true)
    #expect(symlink("deep/er", folder + "/link") == 0)
    let deep = try #require(PlainPath.of(folder + "/deep/er/.."))
    #expect(deep.hasSuffix("/deep"))
    #expect(PlainPath.of(folder + "/link/../a") == deep + "/a")
    #expect(PlainPath.of(folder + "/link/../er/b/c") == deep + "/er/b/c")
    #expect(PlainPath.of("/../a") == "/a")
    for plain in ["a", "/a/b", "a..b/c", "", "./a"] { #expect(PlainPath.of(plain) == plain) }
  }

  @Test func dotsBehindNothingLeadNowhere() throws {
    let folder = try ModelFixture.folder()
    #expect(PlainPath.of(folder + "/none/../a") == nil)
    #expect(errno == ENOENT)
  }
}
