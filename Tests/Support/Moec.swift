import Foundation
import ModelFixtures

/// The `moec` that was built beside the tests, with a cache of this test run's own.
public enum Moec {
  /// The folder of Package.swift.
  public static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Runs it to its end.
  public static func run(_ arguments: [String], in folder: String? = nil) throws -> Command {
    try Command.shell(
      "MOEC_CACHE=\"$1\" && export MOEC_CACHE && shift && exec \"$0\" \"$@\"",
      [try cache.get()] + arguments, in: folder)
  }

  private static let cache = Result { try ModelFixture.folder() }

  /// An example compiled by the command, optimised: its library and the C that it was made from.
  public struct Example: Sendable {
    public var library: String
    public var generated: URL
  }

  /// `Examples/makemoe.swift`, compiled once in a test run.
  public static func makemoe() throws -> Example { try makemoeResult.get() }

  private static let makemoeResult = Result { try compile("Examples/makemoe.swift") }

  /// Compiles a model of the repository.
  public static func compile(_ model: String, _ flags: [String] = []) throws -> Example {
    let folder = URL(fileURLWithPath: try ModelFixture.folder())
    let generated = folder.appendingPathComponent("generated")
    let library = folder.appendingPathComponent("model.so").path
    let result = try run(
      ["compile", model, "-o", library, "--generated", generated.path] + flags,
      in: repository.path)
    guard result.status == 0 else { throw CompilationFailure(text: result.errors) }
    return Example(library: library, generated: generated)
  }
}
