import Foundation
import ModelFixtures
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

  /// An entry of one byte takes 65.
  @Test func whatWasReadLongestAgoGoes() throws {
    let scratch = try Scratch()
    let cache = ContentCache(folder: scratch.url, limit: 3 * 65)
    let keys = (0..<6).map { ContentKey([("number", String($0))]) }
    for (number, key) in keys.enumerated() {
      cache.store(Data([UInt8(number)]), for: key)
      let path = scratch.url.appendingPathComponent(key.digest + ".entry").path
      let date = Date(timeIntervalSince1970: Double(1_000 + number))
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
      if number > 0 { #expect(cache.data(for: keys[0]) == Data([0])) }
    }
    #expect(keys.map { cache.data(for: $0) != nil } == [true, false, false, false, true, true])
  }

  /// The right bytes from a file that is not this user's alone, or in another's place, are none.
  @Test func trustsOnlyItsOwn() throws {
    let scratch = try Scratch()
    let cache = ContentCache(folder: scratch.url)
    cache.store(Data("library".utf8), for: key)
    let path = scratch.url.appendingPathComponent(key.digest + ".entry").path
    func isTaken() -> Bool { cache.data(for: key) == Data("library".utf8) }
    #expect(isTaken())
    for mode: mode_t in [0o620, 0o602] {
      #expect(chmod(path, mode) == 0)
      #expect(!isTaken())
    }
    #expect(chmod(path, 0o644) == 0)
    #expect(isTaken())
    for mode: mode_t in [0o770, 0o777, 0o1777] {
      #expect(chmod(scratch.url.path, mode) == 0)
      #expect(!isTaken())
      #expect(cache.notice?.contains("chmod go-w") == true)
    }
    #expect(chmod(scratch.url.path, 0o755) == 0)
    #expect(cache.notice == nil)
    #expect(rename(path, path + ".real") == 0)
    #expect(symlink(path + ".real", path) == 0)
    #expect(!isTaken())
    let other = ContentKey([("other", "key")])
    let moved = scratch.url.appendingPathComponent(other.digest + ".entry").path
    #expect(rename(path + ".real", moved) == 0)
    #expect(cache.data(for: other) == nil)
  }

  @Test func anotherUsersEntryIsAMiss() throws {
    guard geteuid() == 0 else { return }
    let scratch = try Scratch()
    let cache = ContentCache(folder: scratch.url)
    cache.store(Data("library".utf8), for: key)
    let path = scratch.url.appendingPathComponent(key.digest + ".entry").path
    #expect(chown(path, 12345, 12345) == 0)
    #expect(cache.data(for: key) == nil)
  }

  @Test func touchesOnlyItsOwn() throws {
    let scratch = try Scratch()
    let others = [
      "a.entry", "notes.txt", String(repeating: "g", count: 64) + ".entry",
      String(repeating: "0", count: 63) + ".entry", String(repeating: "A", count: 64) + ".entry",
    ]
    for name in others {
      let file = try scratch.write(name, "mine")
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: file.path)
    }
    let cache = ContentCache(folder: scratch.url, limit: 2 * 64)
    for number in 0..<6 { cache.store(Data(), for: ContentKey([("number", "\(number)")])) }
    #expect(Set(scratch.files).isSuperset(of: others))
    #expect(scratch.files.count == others.count + 2)
  }

  @Test func aNewFolderAndItsEntriesAreItsOwnersAlone() throws {
    let scratch = try Scratch()
    let folder = scratch.url.appendingPathComponent("cache")
    let cache = ContentCache(folder: folder)
    cache.store(Data("library".utf8), for: key)
    #expect(cache.data(for: key) == Data("library".utf8))
    let entry = folder.appendingPathComponent(key.digest + ".entry").path
    for (path, mode) in [(folder.path, 0o700), (entry, 0o600)] {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == mode)
    }
  }

  @Test func damagedEntriesAreMisses() throws {
    let scratch = try Scratch()
    let cache = ContentCache(folder: scratch.url)
    cache.store(Data("library".utf8), for: key)
    let file = scratch.url.appendingPathComponent(key.digest + ".entry")
    let entry = Array(try Data(contentsOf: file))
    let outcome = Damaged([entry], count: 300).read { bytes in
      try Data(bytes).write(to: file)
      let found = cache.data(for: key)
      guard found == (bytes == entry ? Data("library".utf8) : nil) else {
        throw CocoaError(.fileReadCorruptFile)
      }
    }
    #expect(outcome.taken == 300)
    #expect(outcome.slow == [])
  }
}
