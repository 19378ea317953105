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
  func install(in folder: URL) throws(ToolchainError) -> String {
    let file = folder.appendingPathComponent("model")
    guard
      FileManager.default.createFile(
        atPath: file.path, contents: code, attributes: [.posixPermissions: 0o700])
    else { throw .cannotWrite(file.path, code: errno, isTemporary: true) }
    return file.path
  }
}
