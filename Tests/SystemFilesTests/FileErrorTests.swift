import Foundation
import Testing

@testable import SystemFiles

/// What is said where there is no room: what was it that ran out, and what helps.
@Suite struct FileErrorTests {
  @Test(arguments: [
    (ENOSPC, "no space left", "free some space there"),
    (EDQUOT, "Disk quota exceeded", "your quota there is used up"),
    (EFBIG, "File too large", "'ulimit -f'"),
  ])
  func saysWhatIsFull(code: Int32, message: String, hint: String) {
    let error = FileError(operation: "write", path: "w", code: code)
    #expect(error.isFull)
    #expect(error.message == "cannot write w: \(message)")
    #expect(error.hint.contains(hint))
    // Nobody knows that here: of a log or of standard output it would be wrong.
    #expect(!error.hint.contains("untouched"))
  }
}
