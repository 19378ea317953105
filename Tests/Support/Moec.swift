import Driver
import Foundation
import ModelFixtures
import Passes

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

  /// A model of the repository, compiled as the command does it: its library, and the C that it was
  /// made from.
  public struct Example: Sendable {
    public var library: String
    public var generated: URL
  }

  /// `Examples/makemoe.swift`, compiled once in a test run.
  public static func makemoe() throws -> Example { try makemoeResult.get() }

  private static let makemoeResult = Result {
    try compile(repository.appendingPathComponent("Examples/makemoe.swift").path)
  }

  /// Compiles the model in a file; `isQuick`: with little optimisation, and kernels that other tests have.
  public static func compile(
    _ model: String, isQuick: Bool = false, infers: Bool = false, adapters: AdapterRequest? = nil
  ) throws -> Example {
    var compilation = Compilation(model: model)
    compilation.infers = infers
    compilation.adapters = adapters
    if isQuick { compilation.options.optimisation = .quick }
    compilation.cache = try CompiledModel.cache.get()
    let (graph, source) = try compilation.trace()
    let built = try compilation.scratchLibrary(
      of: graph, source: source, in: URL(fileURLWithPath: try ModelFixture.folder()))
    return Example(library: built.path, generated: built.folder)
  }
}
