import Foundation

/// A program that was run to its end.
public struct Command: Sendable {
  /// The exit code, or the signal that ended it.
  public var status: Int32
  public var isKilled = false
  public var output: String
  public var errors: String

  /// Runs a program with an empty input.
  public static func run(
    _ program: String, _ arguments: [String], in folder: String? = nil
  ) throws -> Command {
    try StartedCommand(program, arguments, in: folder).end()
  }

  /// Runs the `moec` that was built beside the tests.
  public static func moec(_ arguments: [String], in folder: String? = nil) throws -> Command {
    try run(try moecPath(), arguments, in: folder)
  }

  /// Runs a shell script in which `$0` is the `moec` that was built beside the tests.
  public static func shell(
    _ script: String, _ arguments: [String] = [], in folder: String? = nil
  ) throws -> Command {
    try run("/bin/sh", ["-c", script, try moecPath()] + arguments, in: folder)
  }

  /// The `moec` that was built beside the tests, found upwards from the test bundle, wherever the build folder is.
  public static func moecPath() throws -> String { try path(of: "moec") }

  /// Another program that was built there.
  public static func path(of program: String) throws -> String {
    let starts =
      Bundle.allBundles.map(\.bundleURL)
      + [URL(fileURLWithPath: CommandLine.arguments[0])]
    for start in starts {
      var folder = start
      while folder.path.count > 1 {
        let candidate = folder.appendingPathComponent(program)
        if isProgram(candidate.path) { return candidate.path }
        folder = folder.deletingLastPathComponent()
      }
    }
    throw FixtureError(text: "no \(program) beside \(starts.map(\.path))")
  }

  private static func isProgram(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && !isFolder.boolValue && FileManager.default.isExecutableFile(atPath: path)
  }
}
