import Foundation
import Runner

/// Where the example and its text are.
struct Clone {
  var model: String
  var data: String

  private static let model = "Examples/makemoe.swift"

  /// The current folder if it is a clone, or else the nearest one around moec itself.
  static func find() throws -> Clone {
    let files = FileManager.default
    let executable = URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0])
    let folders = [""] + ancestors(of: executable.resolvingSymlinksInPath()).map { $0 + "/" }
    guard let folder = folders.first(where: { files.fileExists(atPath: $0 + model) }) else {
      throw CompilationError(
        message: "\(model) is neither in the current folder nor in one around moec",
        hint: "run 'swift run moec demo' in a clone of moec")
    }
    let data = folder + Corpus.usualPath
    guard files.fileExists(atPath: data) else {
      throw CompilationError(
        message: "\(data) is not there, and the demo trains on it",
        hint: "python3 Data/build.py makes it, and so does 'git checkout Data/shakespeare.txt'")
    }
    return Clone(model: folder + model, data: data)
  }

  private static func ancestors(of file: URL) -> [String] {
    var folders: [String] = []
    var folder = file.deletingLastPathComponent()
    while folder.path.count > 1 {
      folders.append(folder.path)
      folder = folder.deletingLastPathComponent()
    }
    return folders
  }
}
