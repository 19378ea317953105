import Foundation

/// The folders in which programs are looked for.
struct SearchPath: Sendable {
  var folders: [String]

  /// `PATH` of this process.
  static var standard: SearchPath {
    SearchPath(ProcessInfo.processInfo.environment["PATH"] ?? "")
  }

  init(_ text: String) {
    folders = text.split(separator: ":").map(String.init)
  }

  /// The path of the first program called `name`.
  func first(named name: String) -> String? { all(named: name).first }

  /// The paths of all programs called `name`, in order.
  func all(named name: String) -> [String] {
    folders.map { $0 + "/" + name }.filter(Self.isProgram)
  }

  /// The paths of all programs called `name-N`, the highest number first.
  func all(versionsOf name: String) -> [String] {
    var found: [(number: Int, path: String)] = []
    for folder in folders {
      for file in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
        guard file.hasPrefix(name + "-"), let number = Int(file.dropFirst(name.count + 1)),
          Self.isProgram(folder + "/" + file)
        else { continue }
        found.append((number, folder + "/" + file))
      }
    }
    return found.sorted { $0.number > $1.number }.map(\.path)
  }

  static func isProgram(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && !isFolder.boolValue && access(path, X_OK) == 0
  }

  /// `path` with symbolic links followed.
  static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }
}
