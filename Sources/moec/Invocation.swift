import Foundation
import SystemFiles
import Toolchain

/// How this moec is called, for commands that a person is to type next.
enum Invocation {
  /// `moec` if `PATH` leads to this very program; `swift run moec` in the folder of its package and
  /// `swift run --package-path DIR moec` elsewhere, if it was built there; else the path by which it
  /// was called, whose links stay: what they lead to is another folder after the next installation.
  ///
  /// - Parameter folder: where the command will be typed; nil is the current folder.
  static func moec(in folder: String? = nil) -> String {
    let program = resolved(Bundle.main.executablePath ?? CommandLine.arguments[0])
    if let first = Subprocess.path(named: "moec"), resolved(first) == program { return "moec" }
    guard let package = package(of: program) else { return ShellWord.quoted(called(program)) }
    let configuration = program.contains("/release/") ? " -c release" : ""
    let here = resolved(folder ?? FileManager.default.currentDirectoryPath)
    if here == package { return "swift run\(configuration) moec" }
    return "swift run\(configuration) --package-path \(ShellWord.quoted(package)) moec"
  }

  /// The path that a shell was given for this program, from the root; the program's own if that was
  /// no path, or the path of something else.
  private static func called(_ program: String) -> String {
    let word = CommandLine.arguments.first ?? ""
    guard word.contains("/") else { return program }
    let path = URL(fileURLWithPath: word).standardized.path
    return resolved(path) == program ? path : program
  }

  /// The folder of the package that a program was built in, if SwiftPM finds it there again.
  private static func package(of program: String) -> String? {
    guard let range = program.range(of: "/.build/", options: .backwards) else { return nil }
    let folder = String(program[..<range.lowerBound])
    return FileManager.default.fileExists(atPath: folder + "/Package.swift") ? folder : nil
  }

  private static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }
}
