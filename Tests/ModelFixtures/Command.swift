import Foundation

/// A program that was run to its end.
public struct Command: Sendable {
  public var status: Int32
  public var output: String
  public var errors: String

  /// Runs a program; its output goes through files, so that no pipe can fill up.
  public static func run(
    _ program: String, _ arguments: [String], in folder: String? = nil
  ) throws -> Command {
    let scratch = URL(fileURLWithPath: try ModelFixture.folder())
    let files = ["output", "errors"].map { scratch.appendingPathComponent($0) }
    for file in files { try Data().write(to: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    // Runs of tests are kept where nobody looks, unless a test says where.
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["MOEC_RUNS": scratch.appendingPathComponent("runs").path]) { own, _ in own }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    try process.run()
    process.waitUntilExit()
    let texts = try files.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return Command(status: process.terminationStatus, output: texts[0], errors: texts[1])
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
  public static func moecPath() throws -> String {
    let starts =
      Bundle.allBundles.map(\.bundleURL)
      + [URL(fileURLWithPath: CommandLine.arguments[0])]
    for start in starts {
      var folder = start
      while folder.path.count > 1 {
        let candidate = folder.appendingPathComponent("moec")
        if isProgram(candidate.path) { return candidate.path }
        folder = folder.deletingLastPathComponent()
      }
    }
    throw FixtureError(text: "no moec beside \(starts.map(\.path))")
  }

  private static func isProgram(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && !isFolder.boolValue && FileManager.default.isExecutableFile(atPath: path)
  }
}
