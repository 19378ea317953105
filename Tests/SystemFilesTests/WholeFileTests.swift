import Foundation
import ModelFixtures
import SystemFiles
import Testing

/// Files that are read as a whole, pipes among them.
@Suite struct WholeFileTests {
  let folder: String

  init() throws { folder = try ModelFixture.folder() }

  /// A named pipe into which another thread writes `count` bytes.
  private func pipe(_ count: Int) throws -> String {
    let path = "\(folder)/pipe"
    try #require(mkfifo(path, 0o600) == 0)
    signal(SIGPIPE, SIG_IGN)
    let writer = Thread {
      let descriptor = open(path, O_WRONLY)
      let bytes = [UInt8](repeating: 7, count: count)
      var done = 0
      while done < count {
        let written = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written > 0 else { break }
        done += written
      }
      close(descriptor)
    }
    writer.start()
    return path
  }

  @Test(arguments: [0, 1, 200_000]) func aPipeIsReadToItsEnd(count: Int) throws {
    let bytes = try WholeFile.bytes(ofFileOrPipe: try pipe(count))
    #expect(bytes == [UInt8](repeating: 7, count: count))
  }

  @Test func aPipeThatDoesNotEndIsAnError() throws {
    let path = try pipe(400_000)
    let error = #expect(throws: FileError.self) {
      try WholeFile.bytes(ofFileOrPipe: path, limit: 100_000)
    }
    #expect(error?.code == EFBIG)
    #expect(error?.hint == "there is more than this may have: name another")
  }

  @Test func filesAreReadAsBefore() throws {
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(folder)/file"))
    #expect(try WholeFile.bytes(ofFileOrPipe: "\(folder)/file") == [1, 2, 3])
    for (name, code) in [("none", ENOENT), ("", EISDIR)] {
      let error = #expect(throws: FileError.self) {
        try WholeFile.bytes(ofFileOrPipe: "\(folder)/\(name)")
      }
      #expect(error?.code == code, "\(name)")
    }
  }
}
