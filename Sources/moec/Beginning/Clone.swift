import Driver
import Foundation
import Runner
import Toolchain

/// Where the example and its text are.
struct Clone {
  var model: String
  var data: String

  private static let model = "Examples/makemoe.swift"

  static let hint = "run it from a clone of moec, or install moec with './install.sh' there"

  /// The current folder if it is a clone, or else the nearest folder around moec itself that is one
  /// or that `install.sh` made of one.
  static func find() throws -> Clone {
    let isHere = FileManager.default.fileExists(atPath: model)
    let folder = isHere ? "" : try around(moec: "demo")
    let data = folder + Corpus.usualPath
    guard FileManager.default.fileExists(atPath: data) else {
      throw CompilationError(
        message: "\(data) is not there, and the demo trains on it",
        hint: "python3 Data/build.py makes it, and so does 'git checkout Data/shakespeare.txt'")
    }
    return Clone(model: folder + model, data: data)
  }

  /// The nearest folder around moec itself that has the examples, with a slash at its end. Errors:
  /// there is none, as of a program that was copied alone.
  static func around(moec command: String) throws -> String {
    var folder = ModelModules.folder()
    while folder.path.count > 1 {
      let path = folder.path + "/"
      if FileManager.default.fileExists(atPath: path + model) { return path }
      folder = folder.deletingLastPathComponent()
    }
    throw CompilationError(
      message: "\(model) is in no folder around moec, and 'moec \(command)' needs it", hint: hint)
  }
}
