import Codegen
import Driver
import Foundation
import GraphIR
import ModelFixtures
import ModelRuntime
import Passes
import Planning
import Toolchain

/// A graph that went the compiler's whole way, up to a loaded library.
public struct CompiledModel: Sendable {
  /// The graph with gradients, but without any pass that can be left out: what the oracle runs.
  public let reference: Graph
  public let plan: Plan
  public let code: GeneratedModel

  /// Where the sources and the library lie.
  public let folder: URL
  public let library: ModelLibrary

  /// Compiles without optimisation, which takes a fifth of the time and gives the same numbers. Errors: whatever a
  /// stage says, and any word of the C compiler.
  ///
  /// - Parameters:
  ///   - omitting: names of passes to leave out.
  ///   - steps: names of lowering steps to leave out.
  public init(
    _ graph: Graph, omitting: Set<String> = [], steps: Set<String> = [],
    optimisation: CompileOptions.Optimisation = .none, accumulates: Bool = false,
    recomputes: Bool = false, logitsAtOnce: Int? = nil, expertRanks: Int = 1, infers: Bool = false,
    documents: Bool = false
  ) throws {
    Processors.waitPassively()
    reference = try Self.reference(of: graph, documents: documents)
    var compilation = Compilation(model: "\(graph.name).swift")
    compilation.omittedPasses = omitting.union(steps).sorted()
    compilation.options.optimisation = optimisation
    compilation.accumulates = accumulates
    compilation.recomputes = recomputes
    if let logitsAtOnce { compilation.logitsAtOnce = logitsAtOnce }
    compilation.expertRanks = expertRanks
    compilation.infers = infers
    compilation.takesDocuments = documents
    compilation.cache = try Self.cache.get()
    compilation.precompiled = try Self.precompiled.get()
    let plan = try compilation.plan(compilation.transformed(graph), source: nil)
    let built = try compilation.scratchLibrary(
      of: plan, in: URL(fileURLWithPath: try ModelFixture.folder()), isJoined: true)
    guard built.warnings.isEmpty else { throw CompilationFailure(text: built.warnings) }
    (self.plan, code, folder) = (plan, built.code, built.folder)
    library = try ModelLibrary(path: built.path)
  }

  /// One for all tests, beside what they were built to: what has not changed since the last run is there.
  static let cache = Result {
    let built = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent()
    return ContentCache(folder: built.appendingPathComponent("models-of-tests"))
  }

  /// One for all tests of a run: the compiler reads it once.
  public static let precompiled = Result {
    PrecompiledHeader(in: URL(fileURLWithPath: try ModelFixture.folder()))
  }

  /// The graph after the passes that the compiler cannot do without.
  public static func reference(of graph: Graph, documents: Bool = false) throws -> Graph {
    try Pipeline(Pipeline.standard(expertRanks: 1, documents: documents))
      .run(graph, options: .reference)
  }

  /// Writes all files to a fresh folder.
  public static func write(_ code: GeneratedModel) throws -> URL {
    let folder = URL(fileURLWithPath: try ModelFixture.folder())
    try GeneratedFolder(folder.path).write(code.files, isScratch: true)
    return folder
  }

  /// The compiler that `moec compile` would take; looked for once, and remembered nowhere else.
  public static func compiler() throws -> CCompiler { try chosen.get() }

  private static let chosen = Result {
    try CCompilerSearch(cache: ContentCache(folder: nil)).choose().compiler
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
