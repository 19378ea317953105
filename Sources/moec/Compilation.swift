import Codegen
import Foundation
import GraphIR
import Lowering
import Passes
import Planning
import SystemFiles
import Toolchain

/// A failure of a stage, with the text for a person: `model.swift:17:20: error: …` and a hint.
struct CompilationError: Error {
  var text: String

  init(_ text: String) { self.text = text }

  init(message: String, hint: String) { text = "error: \(message)\nhint: \(hint)" }
}

/// The way from model.swift to a library, stage by stage.
struct Compilation {
  var model: String
  var omittedPasses: [String] = []
  var options = CompileOptions()
  var preferredCompiler: String?
  var accumulates = false
  var cache = ContentCache.standard()

  /// Seconds that a program may take; nil: the model's own as long as usual, others any time.
  var timeLimit: Double?

  /// Who hears what was done.
  var log = StageLog.silent

  /// Called after each pass.
  var observe: (PassReport) -> Void = { _ in }

  /// Called after each lowering step.
  var observeLowering: (LoweringReport) -> Void = { _ in }

  /// Of the omitted ones, those that are lowering steps.
  private var omittedSteps: Set<String> {
    Set(omittedPasses).intersection(LoweringPipeline.names)
  }

  /// The graph as the model makes it, and the model's text.
  func trace() throws -> (graph: Graph, source: String) {
    try log.stage("traced", { "\(model): \($0.graph.nodes.count) operations" }) {
      try explaining { try traceNow() }
    }
  }

  private func traceNow() throws -> (graph: Graph, source: String) {
    let modules = try ModelModules.models()
    if let notice = cache.notice { printToStandardError("note: \(notice)") }
    var compiler = SwiftModelCompiler(modules: modules, cache: cache)
    compiler.supervision = (
      .onTerminal("swiftc compiles \(model)", limit: timeLimit),
      .onTerminal("\(model) describes its graph", limit: timeLimit ?? Supervision.modelLimit)
    )
    let trace = try compiler.trace(model: model)
    if !trace.messages.isEmpty {
      FileHandle.standardError.write(Data(trace.messages.utf8))
    }
    let source = String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: model)), as: UTF8.self)
    return (try Graph(parsing: trace.graph), source)
  }

  /// The graph after all passes, backward included.
  func transformed(_ graph: Graph) throws -> Graph {
    try log.stage("lowered", { "\($0.nodes.count) operations with gradients, after all passes" }) {
      try explaining {
        let pipeline = PipelineOptions(omitted: Set(omittedPasses).subtracting(omittedSteps))
        return try Pipeline().run(graph, options: pipeline, observe: observe)
      }
    }
  }

  func plan(_ graph: Graph, source: String) throws -> Plan {
    let plan = try log.stage("planned", { $0.inShort }) {
      try explaining {
        try Plan(
          graph, source: source, accumulates: accumulates, omitting: omittedSteps,
          observe: observeLowering)
      }
    }
    for note in plan.notes { printToStandardError(note.note) }
    return plan
  }

  /// The C of a plan. Of this machine it has nothing but the line that builds it.
  func generate(_ plan: Plan, source: String) throws -> GeneratedModel {
    try explaining {
      GeneratedModel(
        plan,
        .init(
          source: source, sourceName: URL(fileURLWithPath: model).lastPathComponent,
          compilerLine: try compilerLine(plan)))
    }
  }

  /// The line with the compiler that builds the library here; where there is none, the usual one's.
  private func compilerLine(_ plan: Plan) throws(ToolchainError) -> String {
    let sources = GeneratedModel.sources(of: plan)
    let output = "lib\(plan.graph.name).\(CompileCommand.libraryExtension)"
    guard let compiler = try? compiler().compiler else {
      return try CCompiler.portableCommandLine(sources: sources, output: output, options: options)
    }
    return try compiler.commandLine(sources: sources, output: output, options: options)
  }

  private func compiler() throws(ToolchainError) -> CCompilerSearch.Choice {
    try CCompilerSearch(preferred: preferredCompiler, cache: cache).choose(for: options)
  }

  /// Makes the library and its header from generated sources that lie in `folder`.
  ///
  /// - Returns: what a person should know of the choice of compiler, if anything.
  func build(_ generated: GeneratedModel, in folder: URL, output: URL) throws -> String? {
    try explaining {
      let choice = try compiler()
      let sources = generated.sources.map { folder.appendingPathComponent($0) }
      let texts = generated.files.map(\.path).filter { !$0.hasSuffix(".c") && !$0.hasSuffix(".h") }
      let warnings = try choice.compiler.compileLibrary(
        sources: sources, otherInputs: texts.map { folder.appendingPathComponent($0) },
        output: output, options: options, cache: cache,
        supervision: .onTerminal("compiling the C", limit: timeLimit), report: log.add)
      if !warnings.isEmpty { FileHandle.standardError.write(Data(warnings.utf8)) }
      if let header = generated.files.first(where: { $0.path == "moec_model.h" }) {
        try AtomicFile.write(header.text, to: Self.header(of: output.path))
      }
      return choice.note
    }
  }

  /// Where a library's header goes: `libmodel.h` beside `libmodel.so`.
  static func header(of library: String) -> String {
    URL(fileURLWithPath: library).deletingPathExtension().appendingPathExtension("h").relativePath
  }

  /// Errors of the stages as errors that a command reports.
  func explaining<Result>(_ work: () throws -> Result) throws -> Result {
    do {
      return try work()
    } catch let error as Diagnostic {
      throw CompilationError(error.description)
    } catch let error as ToolchainError {
      throw CompilationError(error.description)
    }
  }
}

extension Plan {
  /// `3 layers, 8,996,545 parameters, 190 MB`.
  fileprivate var inShort: String {
    let count = parameters.reduce(0) { $0 + $1.type.count }
    let megabytes = (memory.total + 500_000) / 1_000_000
    return "\(layers.count) layers, \(count.grouped) parameters, \(megabytes.grouped) MB"
  }
}
