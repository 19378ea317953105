import Codegen
import Foundation
import GraphIR
import Lowering
import Passes
import Planning
import SystemFiles
import Toolchain
import Words

/// The way from model.swift to a library, stage by stage: the one that the command line, tests,
/// benchmarks and random models go.
public struct Compilation {
  /// The path of model.swift, or of its folder. Of a graph that no file describes, what would be its name.
  public var model: String
  /// What was chosen of the model's settings, `experts=16`.
  public var settings: [String] = []
  /// Patterns of the names of parameters that keep their values, `block.*.attention`.
  public var frozen: [ParameterPattern] = []
  /// Low-rank adapters to put in.
  public var adapters: AdapterRequest?
  public var omittedPasses: [String] = []
  public var options = CompileOptions()
  public var preferredCompiler: String?
  public var accumulates = false

  /// Whether backward runs the forward of repeated layers again instead of keeping what it made.
  public var recomputes = false

  /// How many logits of a row the loss makes at a time where little is kept: few enough for the cache, enough for
  /// products to be as fast as with all.
  public var logitsAtOnce = 2048

  /// The ranks that share out the experts of every mixture; 1: each rank has all.
  public var expertRanks = 1

  /// Whether rows are to hold several documents.
  public var takesDocuments = false

  /// Whether the library is to give logits and nothing else.
  public var infers = false
  public var cache = ContentCache.standard()

  /// What the cache is to keep of libraries.
  public var keeping = KeptFiles.all

  /// What C compilers have read before, for scratch libraries that are compiled as one file.
  public var precompiled: PrecompiledHeader?

  /// Seconds that a program may take; nil: the model's own as long as usual, others any time.
  public var timeLimit: Double?

  /// Who hears what was done.
  public var log = StageLog.silent

  /// Who hears what is to be said beside the results: notes, warnings, what the model printed.
  public var write: (String) -> Void = { _ in }

  /// Called after each pass.
  public var observe: (PassReport) -> Void = { _ in }

  /// How a program is waited for, given what it does and the seconds that it may take.
  public var supervise: (_ what: String, _ limit: Double?) -> Supervision = { _, limit in
    Supervision(limit: limit)
  }

  /// Called after each lowering step.
  public var observeLowering: (LoweringReport) -> Void = { _ in }

  public init(model: String) { self.model = model }

  /// Of the omitted ones, those that are lowering steps.
  private var omittedSteps: Set<String> {
    Set(omittedPasses).intersection(LoweringPipeline.names)
  }

  /// The graph as the model makes it, frozen and with adapters as asked for, and the model's text.
  public func trace() throws -> (graph: Graph, source: ModelSource) {
    try log.stage("traced", { "\(model): \($0.graph.nodes.count.of("operation"))" }) {
      try explaining { try traceNow() }
    }
  }

  private func traceNow() throws -> (graph: Graph, source: ModelSource) {
    let modules = try ModelModules.models()
    if let notice = cache.notice { write("note: \(notice)\n") }
    var compiler = SwiftModelCompiler(modules: modules, cache: cache)
    compiler.supervision = (
      supervise("swiftc compiles \(model)", timeLimit),
      supervise("\(model) describes its graph", timeLimit ?? Supervision.modelLimit)
    )
    compiler.settings = settings
    let trace = try compiler.trace(model: model)
    if !trace.messages.isEmpty { write(trace.messages) }
    return (try changed(try Graph(parsing: trace.graph)), try source())
  }

  /// The graph as whoever compiles it wants it, beside what settings say.
  public func changed(_ graph: Graph) throws(Diagnostic) -> Graph {
    let freezing = frozen.isEmpty ? [] : [Pass.freeze(frozen)]
    return try Pipeline(freezing + [adapters.map(Pass.addAdapters)].compactMap(\.self)).run(graph)
  }

  private func source() throws -> ModelSource {
    let files = try ModelFiles(model)
    let texts = try files.all.map {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: $0)), as: UTF8.self)
    }
    return ModelSource(
      texts[0], helpers: zip(files.helpers, texts.dropFirst()).map { .init(path: $0, text: $1) })
  }

  /// The graph after all passes, backward included.
  public func transformed(_ graph: Graph) throws -> Graph {
    try log.stage(
      "lowered",
      {
        "\($0.nodes.count.of("operation"))\(infers ? "" : " with gradients"), after all passes"
      }
    ) {
      try explaining {
        let pipeline = PipelineOptions(omitted: Set(omittedPasses).subtracting(omittedSteps))
        return try Pipeline(
          infers
            ? Pipeline.inference
            : Pipeline.standard(
              expertRanks: expertRanks, documents: takesDocuments,
              logitsAtOnce: recomputes ? logitsAtOnce : nil)
        ).run(graph, options: pipeline, observe: observe)
      }
    }
  }

  public func plan(_ graph: Graph, source: ModelSource?) throws -> Plan {
    let plan = try log.stage("planned", { $0.inShort }) {
      try explaining {
        try Plan(
          graph, source: source, accumulates: accumulates, recomputes: recomputes,
          omitting: omittedSteps,
          observe: observeLowering)
      }
    }
    for note in plan.notes { write(note.note + "\n") }
    return plan
  }

  /// The C of a plan. Of this machine it has nothing but the line that builds it.
  public func generate(_ plan: Plan, source: ModelSource?) throws -> GeneratedModel {
    try explaining {
      GeneratedModel(
        plan,
        .init(
          source: source, sourceName: sourceName,
          compilerLine: try compilerLine(plan)))
    }
  }

  /// The name of the file that declares the model.
  private var sourceName: String {
    URL(fileURLWithPath: (try? ModelFiles(model).main) ?? model).lastPathComponent
  }

  /// The line with the compiler that builds the library here; where there is none, the usual one's.
  private func compilerLine(_ plan: Plan) throws(ToolchainError) -> String {
    let sources = GeneratedModel.sources(of: plan)
    let output = "lib\(plan.graph.name).\(Self.libraryExtension)"
    guard let compiler = try? compiler().compiler else {
      return try CCompiler.portableCommandLine(sources: sources, output: output, options: options)
    }
    return try compiler.commandLine(sources: sources, output: output, options: options)
  }

  private func compiler() throws(ToolchainError) -> CCompilerSearch.Choice {
    try CCompilerSearch(preferred: preferredCompiler, cache: cache).choose(for: options)
  }

  /// What is to be known of a library that was built.
  public struct Built {
    /// What a person should know of the choice of compiler, if anything.
    public var note: String?
    /// What the C compiler said, which is written too.
    public var warnings: String
  }

  /// Makes the library and its header from generated sources that lie in `folder`.
  @discardableResult
  public func build(_ generated: GeneratedModel, in folder: URL, output: URL) throws -> Built {
    let header = try? TemporaryFolder()
    defer { header?.remove() }
    return try build(
      generated, sources: generated.sources, in: folder, output: output,
      precompiled: header.map { PrecompiledHeader(in: $0.url) })
  }

  /// The same from C files that have the generated ones in them.
  func build(
    _ generated: GeneratedModel, sources: [String], in folder: URL, output: URL,
    precompiled: PrecompiledHeader? = nil
  ) throws -> Built {
    try explaining {
      let choice = try compiler()
      let sources = sources.map { folder.appendingPathComponent($0) }
      let texts = generated.files.filter { !$0.isC }.map(\.path)
      let warnings = try choice.compiler.compileLibrary(
        sources: sources, otherInputs: texts.map { folder.appendingPathComponent($0) },
        output: output, options: options, cache: cache, keeping: keeping, precompiled: precompiled,
        supervision: supervise("compiling the C", timeLimit), report: log.add)
      if !warnings.isEmpty { write(warnings + (warnings.hasSuffix("\n") ? "" : "\n")) }
      if let header = generated.files.first(where: { $0.path == "moec_model.h" }) {
        try AtomicFile.write(header.text, to: Self.header(of: output.path))
      }
      return Built(note: choice.note, warnings: warnings)
    }
  }

  /// Where a library's header goes: `libmodel.h` beside `libmodel.so`.
  public static func header(of library: String) -> String {
    URL(fileURLWithPath: library).deletingPathExtension().appendingPathExtension("h").relativePath
  }

  /// What the names of libraries end in here.
  public static var libraryExtension: String {
    #if os(macOS)
      "dylib"
    #else
      "so"
    #endif
  }

  /// Errors of the stages as errors that a command reports.
  public func explaining<Result>(_ work: () throws -> Result) throws -> Result {
    do {
      return try work()
    } catch let error as Diagnostic {
      throw CompilationError(error.description)
    } catch let error as ToolchainError {
      throw CompilationError(error.description)
    }
  }
}

extension Supervision {
  /// A model describes its graph in milliseconds; one that takes so long has lost its way.
  public static let modelLimit = 600.0
}

extension Plan {
  /// `3 layers, 8,996,545 parameters, 190 MB`.
  fileprivate var inShort: String {
    let count = learnedParameters.reduce(0) { $0 + $1.type.count }
    let megabytes = (memory.total + 500_000) / 1_000_000
    return "\(layers.count.of("layer")), \(count.of("parameter")), \(megabytes.grouped) MB"
  }
}
