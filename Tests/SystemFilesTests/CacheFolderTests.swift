import Foundation
import ModelFixtures
import Testing

@testable import SystemFiles

@Suite struct CacheFolderTests {
  @Test func followsTheEnvironment() {
    func path(_ environment: [String: String]) -> String? {
      CacheFolder.standard(environment: environment)?.standardizedFileURL.path
    }
    #expect(path(["MOEC_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"]) == "/a")
    #expect(path(["XDG_CACHE_HOME": "/b", "HOME": "/c"]) == "/b/moec")
    #expect(path(["MOEC_CACHE": "", "HOME": "/c"])?.hasPrefix("/c/") == true)
    #expect(path(["XDG_CACHE_HOME": "", "HOME": "/c"])?.hasPrefix("/c/") == true)
    #expect(path(["XDG_CACHE_HOME": "b", "HOME": "/c"])?.hasPrefix("/c/") == true)
    #expect(path(["HOME": "c"]) == nil)
    #expect(path(["HOME": ""]) == nil)
    #expect(path([:]) == nil)
    let here = FileManager.default.currentDirectoryPath
    #expect(path(["MOEC_CACHE": "a/b"]) == URL(fileURLWithPath: here + "/a/b").path)
  }

  @Test func aNewFolderIsItsOwnersAlone() throws {
    let folder = URL(fileURLWithPath: try ModelFixture.folder() + "/a/b")
    #expect(CacheFolder.problem(of: folder) == nil)
    let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions]
    #expect(mode as? Int == 0o700)
  }

  @Test(arguments: [0o777, 0o770, 0o702, 0o1777])
  func oneThatOthersMayWriteToIsNotUsed(_ mode: Int) throws {
    let folder = try ModelFixture.folder()
    #expect(CacheFolder.problem(of: URL(fileURLWithPath: folder)) == nil)
    #expect(chmod(folder, mode_t(mode)) == 0)
    let problem = CacheFolder.problem(of: URL(fileURLWithPath: folder))
    #expect(problem == "others may write there: chmod go-w it")
  }

  @Test func anotherUsersIsNotUsed() throws {
    // Of another user whoever this is: of root, or with its rights given away.
    let folder = geteuid() == 0 ? try ModelFixture.folder() : "/usr"
    if geteuid() == 0 { #expect(chown(folder, 12345, 12345) == 0) }
    #expect(CacheFolder.problem(of: URL(fileURLWithPath: folder)) == "it is another user's")
  }

  @Test func filesAndWhatIsBelowThemAreNotUsed() throws {
    let file = try ModelFixture.folder() + "/file"
    try Data().write(to: URL(fileURLWithPath: file))
    #expect(CacheFolder.problem(of: URL(fileURLWithPath: file)) == "it is a file")
    #expect(CacheFolder.problem(of: URL(fileURLWithPath: file + "/x")) == "Not a directory")
  }

  /// Not what is missing behind it, but why it cannot be made.
  @Test func whyItCannotBeMadeIsSaid() {
    let problem = CacheFolder.problem(of: URL(fileURLWithPath: "/sys/kernel/moec/cache"))
    #expect(problem != nil && problem != String(cString: strerror(ENOENT)))
  }

  /// Wherever the environment points, there is a place for what must not be lost.
  @Test func whatLastsHasAPlace() throws {
    let folder = try ModelFixture.folder()
    let file = folder + "/file"
    try Data().write(to: URL(fileURLWithPath: file))
    let environments: [[String: String]] = [
      [:], ["HOME": ""], ["MOEC_CACHE": file], ["XDG_CACHE_HOME": file], ["HOME": "/dev/null"],
    ]
    for environment in environments {
      let place = CacheFolder.lasting("journals", environment: environment)
      #expect(!place.path.hasPrefix(folder))
      #expect(CacheFolder.problem(of: place.deletingLastPathComponent()) == nil)
    }
    let own = CacheFolder.lasting("journals", environment: ["MOEC_CACHE": folder])
    #expect(own.path == folder + "/journals")
  }
}
