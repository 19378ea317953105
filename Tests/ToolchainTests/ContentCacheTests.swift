import Foundation
import Testing

@testable import Toolchain

@Suite struct ContentCacheTests {
  let key = ContentKey([("source", "x"), ("flags", "-O3")])

  @Test func keepsWhatIsStored() throws {
    let scratch = try Scratch()
    let cache = ContentCache(folder: scratch.url.appendingPathComponent("a/b"))
    #expect(cache.data(for: key) == nil)
    cache.store(Data("library".utf8), for: key)
    #expect(cache.data(for: key) == Data("library".utf8))
    cache.store(Data(), for: key)
    #expect(cache.data(for: key) == Data())
  }

  @Test func everyInputCounts() {
    let others = [
      ContentKey([("source", "y"), ("flags", "-O3")]),
      ContentKey([("source", "x"), ("flags", "-O2")]),
      ContentKey([("source", "x"), ("flag", "s-O3")]),
      ContentKey([("source", "x-O3"), ("flags", "")]),
      ContentKey([("flags", "-O3"), ("source", "x")]),
    ]
    #expect(Set(others + [key]).count == 6)
    #expect(ContentKey([("source", "x"), ("flags", "-O3")]) == key)
  }

  @Test(arguments: [0, 10, 64, 66])
  func damagedEntryIsAMiss(length: Int) throws {
    let scratch = try Scratch()
    let cache = ContentCache(folder: scratch.url)
    cache.store(Data("library".utf8), for: key)
    let file = scratch.url.appendingPathComponent(try #require(scratch.files.first))
    try Data(contentsOf: file).prefix(length).write(to: file)
    #expect(cache.data(for: key) == nil)
  }

  @Test func flippedByteIsAMiss() throws {
    let scratch = try Scratch()
    let cache = ContentCache(folder: scratch.url)
    cache.store(Data("library".utf8), for: key)
    let file = scratch.url.appendingPathComponent(try #require(scratch.files.first))
    var entry = try Data(contentsOf: file)
    entry[entry.count - 1] ^= 1
    try entry.write(to: file)
    #expect(cache.data(for: key) == nil)
  }

  @Test func folderThatCannotBeIsNoFailure() throws {
    let scratch = try Scratch()
    let file = try scratch.write("file", "not a folder")
    let cache = ContentCache(folder: file.appendingPathComponent("cache"))
    cache.store(Data("library".utf8), for: key)
    #expect(cache.data(for: key) == nil)
    ContentCache(folder: nil).store(Data(), for: key)
    #expect(ContentCache(folder: nil).data(for: key) == nil)
  }

  @Test func oldestEntriesGo() throws {
    let scratch = try Scratch()
    let cache = ContentCache(folder: scratch.url, limit: 3)
    for number in 0..<6 {
      let key = ContentKey([("number", String(number))])
      cache.store(Data([UInt8(number)]), for: key)
      let path = scratch.url.appendingPathComponent(key.digest + ".entry").path
      let date = Date(timeIntervalSince1970: Double(1_000 + number))
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
    }
    #expect(scratch.files.count == 3)
  }

  @Test func folderFollowsTheEnvironment() {
    func path(_ environment: [String: String]) -> String? {
      ContentCache.standard(environment: environment).folder?.standardizedFileURL.path
    }
    #expect(path(["MOEC_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"]) == "/a")
    #expect(path(["XDG_CACHE_HOME": "/b", "HOME": "/c"]) == "/b/moec")
    #expect(path(["MOEC_CACHE": "", "HOME": "/c"])?.hasPrefix("/c/") == true)
    #expect(path([:]) == nil)
  }
}
