import Foundation
import SystemFiles

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
  /// No child that another thread starts meanwhile may inherit the file, as none does of `NewFile`'s: nobody could
  /// run it then until that child ends, which may train a model for hours.
  func install(in folder: URL) throws(ToolchainError) -> String {
    let path = folder.appendingPathComponent("model").path
    guard NewFile.write(code, to: path, mode: 0o700) == 0 else {
      throw .cannotWrite(path, code: errno, isTemporary: true)
    }
    return path
  }
}
