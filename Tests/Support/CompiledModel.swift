import Codegen
import Foundation
import GraphIR
import ModelFixtures
import ModelRuntime
import Passes
import Planning
import Toolchain

/// A graph that went the compiler's whole way, up to a loaded library.
public struct CompiledModel {
  /// The graph with gradients, but without any pass that can be left out: what the oracle runs.
  public let reference: Graph
  public let plan: Plan
  public let code: GeneratedModel

  /// Where the sources and the library lie.
  public let folder: URL
  public let library: ModelLibrary

  /// Compiles with little optimisation, so that tests of small models are quick.
  ///
  /// - Parameters:
  ///   - omitting: names of passes to leave out.
  ///   - steps: names of lowering steps to leave out.
  public init(
    _ graph: Graph, omitting: Set<String> = [], steps: Set<String> = [],
    optimisation: String = "-O1", accumulates: Bool = false
  ) throws {
    reference = try Self.reference(of: graph)
    let transformed = try Pipeline().run(graph, options: PipelineOptions(omitted: omitting))
    plan = try Plan(transformed, accumulates: accumulates, omitting: steps)
    code = GeneratedModel(plan, .init(sourceName: "\(graph.name).swift"))
    folder = try Self.write(code)
    let path = folder.appendingPathComponent("model.so").path
    try Self.build(code, in: folder, to: path, optimisation)
    library = try ModelLibrary(path: path)
  }

  /// The graph after the passes that the compiler cannot do without.
  public static func reference(of graph: Graph) throws -> Graph {
    try Pipeline().run(graph, options: .reference)
  }

  /// Writes all files to a fresh folder.
  public static func write(_ code: GeneratedModel) throws -> URL {
    let folder = URL(fileURLWithPath: try ModelFixture.folder())
    for file in code.files {
      let path = folder.appendingPathComponent(file.path)
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.text.utf8).write(to: path)
    }
    return folder
  }

  /// The compiler that `moec compile` would take; looked for once, and remembered nowhere else.
  public static func compiler() throws -> CCompiler { try chosen.get() }

  private static let chosen = Result {
    try CCompilerSearch(cache: ContentCache(folder: nil)).choose().compiler
  }

  private static func build(
    _ code: GeneratedModel, in folder: URL, to output: String, _ optimisation: String
  ) throws {
    let line = try compiler().commandLine(sources: code.sources, output: output)
      .replacingOccurrences(of: " -O3 ", with: " \(optimisation) ")
    let result = try Command.run("/bin/sh", ["-c", line], in: folder.path)
    guard result.status == 0, result.errors.isEmpty else {
      throw CompilationFailure(text: "\(line)\n\(result.errors)")
    }
  }
}

/// What the C compiler said, warnings included: generated code has none.
public struct CompilationFailure: Error, CustomStringConvertible {
  let text: String
  public var description: String { text }
}

/// The compiler without C.
public enum Pipelines {
  public static func plan(_ graph: Graph, omitting: Set<String> = []) throws -> Plan {
    try Plan(transformed(graph, omitting: omitting))
  }

  /// The graph after all passes but some.
  public static func transformed(
    _ graph: Graph, omitting: Set<String> = []
  ) throws -> Graph {
    try Pipeline().run(graph, options: PipelineOptions(omitted: omitting))
  }
}
