import Foundation

/// A model compiled to a program, and what swiftc said about it.
struct ModelProgram: Equatable {
  var warnings: String
  var code: Data

  init(warnings: String, code: Data) {
    self.warnings = warnings
    self.code = code
  }

  /// The length of the warnings on a line, the warnings, the program.
  var data: Data { Data("\(warnings.utf8.count)\n\(warnings)".utf8) + code }

  /// Reads what `data` gives; nil for anything else.
  init?(parsing data: Data) {
    guard let end = data.firstIndex(of: UInt8(ascii: "\n")),
      let length = Int(String(decoding: data[..<end], as: UTF8.self)),
      (0..<(data.endIndex - end)).contains(length)
    else { return nil }
    let rest = data[(end + 1)...]
    warnings = String(decoding: rest.prefix(length), as: UTF8.self)
    code = Data(rest.dropFirst(length))
  }

  /// Writes the program into a folder; gives its path.
  ///
  /// No child that another thread starts meanwhile may inherit the file: nobody could run it then until that
  /// child ends, which may train a model for hours.
  func install(in folder: URL) throws(ToolchainError) -> String {
    let path = folder.appendingPathComponent("model").path
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o700)
    guard file >= 0 else { throw .cannotWrite(path, code: errno, isTemporary: true) }
    defer { close(file) }
    let failure = code.withUnsafeBytes { bytes -> Int32? in
      var done = 0
      while done < bytes.count {
        let count = write(file, bytes.baseAddress.map { $0 + done }, bytes.count - done)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return count < 0 ? errno : ENOSPC }
        done += count
      }
      return nil
    }
    if let failure { throw .cannotWrite(path, code: failure, isTemporary: true) }
    return path
  }
}
