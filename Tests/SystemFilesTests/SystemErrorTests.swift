import Foundation
import Testing

@testable import SystemFiles

@Suite struct SystemErrorTests {
  @Test func everyErrorHasAHintOfItsOwn() {
    let codes = [
      ENOSPC, EDQUOT, EFBIG, EROFS, EACCES, ENOTDIR, EISDIR, ENOENT, EINVAL, EEXIST, ENAMETOOLONG,
      ELOOP, ETXTBSY, EMFILE, EPIPE, EIO,
    ]
    #expect(Set(codes.map { SystemError.hint(for: $0) }).count == codes.count)
  }

  @Test(arguments: [
    (ENOSPC, "free some space"), (EDQUOT, "quota"), (EFBIG, "ulimit -f"), (EROFS, "read-only"),
    (EACCES, "who may write in its folder"), (ENOTDIR, "is a file"), (EISDIR, "not a folder"),
    (ENOENT, "make the folder first"),
  ])
  func hintsAreTrue(_ code: Int32, _ words: String) {
    #expect(SystemError.hint(for: code).contains(words))
  }

  @Test func readingIsAnotherThing() {
    #expect(SystemError.hint(for: EACCES, isReading: true).contains("who may read"))
    #expect(SystemError.hint(for: ENOENT, isReading: true) == "check the name")
  }
}
