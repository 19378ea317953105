import Foundation
import SystemFiles

/// Compiles a model, a Swift file of top-level code and perhaps helper files, runs it, and reads the
/// graph it describes.
///
/// A model is a program, which may read its environment, files and the clock: only the program is
/// kept, and it runs each time (in a hundredth of a second, where swiftc takes thirty of them).
///
/// The model's program is started with `--graph-descriptor N`, and `--setting NAME=VALUE` for each that
/// was chosen, and writes the graph's text to that
/// descriptor; what it prints goes its own way. It reads no input.
public struct SwiftModelCompiler: Sendable {
  /// What a model gave.
  public struct Trace: Sendable, Equatable {
    /// The text written to the graph's descriptor.
    public var graph: String
    /// Warnings of swiftc and everything that the model printed; for standard error.
    public var messages: String
  }

  /// The modules that models import.
  public var modules: ModelModules
  /// Keeps the models' programs by the contents of model, modules and compiler.
  public var cache: ContentCache
  /// Of swiftc, and of the model's own program.
  public var supervision: (compiler: Supervision, model: Supervision) = (.silent, .silent)
  /// What was chosen of the model's settings, `experts=16`: words of its program's command line.
  public var settings: [String] = []
  var searchPath: SearchPath

  public init(modules: ModelModules, cache: ContentCache = .standard()) {
    self.modules = modules
    self.cache = cache
    searchPath = .standard
  }

  /// The graph of the model at `path`, a file or a folder; messages name files exactly so.
  ///
  /// - Throws: `ToolchainError`: no such file, no Swift file, rejected by swiftc, failed as it ran, no graph.
  public func trace(model path: String) throws(ToolchainError) -> Trace {
    let files = try ModelFiles(path)
    let sources = try files.read()
    guard let swiftc = searchPath.first(named: "swiftc") else { throw .noSwiftCompiler }
    let program = try program(files, sources, swiftc)
    let temporary = try TemporaryFolder()
    defer { temporary.remove() }
    let trace = try run(program.install(in: temporary.url), files)
    let messages = [program.warnings, trace.messages].filter { !$0.isEmpty }
    return Trace(graph: trace.graph, messages: messages.joined(separator: "\n"))
  }

  /// The model's program as it is known, or else compiled.
  private func program(
    _ files: ModelFiles, _ sources: [Data], _ swiftc: String
  ) throws(ToolchainError) -> ModelProgram {
    let key = key(files, sources, swiftc: swiftc)
    if let known = cache.data(for: key).flatMap(ModelProgram.init(parsing:)) { return known }
    let temporary = try TemporaryFolder()
    defer { temporary.remove() }
    let file = temporary.url.appendingPathComponent("model")
    let inputs = try files.inputs(sources[0], in: temporary.url)
    let warnings = try compile(files, inputs, swiftc, to: file.path, temporary: temporary.url)
    guard let code = try? Data(contentsOf: file) else {
      throw .modelRejected(
        path: files.main,
        diagnostics: "error: \(files.main): swiftc reported success and wrote no program")
    }
    let program = ModelProgram(warnings: warnings, code: code)
    cache.store(program.data, for: key)
    return program
  }

  /// How an editor is to read a model: the command that compiles it, as far as that matters for its
  /// meaning.
  public static func editorCommand(model: String, modules: String) -> [String] {
    editorCommand(models: [model], modules: modules)
  }

  /// The same of several files that are compiled together.
  public static func editorCommand(models: [String], modules: String) -> [String] {
    ["swiftc", "-module-name", "Model"] + language + ["-I", modules] + models
  }

  /// Models are written in the language that needs no word about concurrency.
  private static let language = ["-swift-version", "5"]

  /// Gives swiftc's warnings.
  private func compile(
    _ files: ModelFiles, _ inputs: [String], _ swiftc: String, to program: String, temporary: URL
  ) throws(ToolchainError) -> String {
    let kept = cache.usableFolder(isMade: true)?.appendingPathComponent("modules")
    let moduleCache = kept.flatMap { CacheFolder.problem(of: $0) == nil ? $0 : nil }
    var outcome = try attempt(inputs, swiftc, to: program, moduleCache: moduleCache ?? temporary)
    if moduleCache != nil, outcome.status != 0, Self.lacksSpace(outcome) {
      // A cache never stops anything.
      outcome = try attempt(inputs, swiftc, to: program, moduleCache: temporary)
    }
    let messages = Self.trimmed(outcome.output)
    try ToolchainError.checkForKill(swiftc, status: outcome.status)
    guard outcome.status == 0 else {
      if Self.lacksSpace(outcome) {
        throw .cannotWrite(temporary.path, code: ENOSPC, isTemporary: true)
      }
      throw .modelRejected(
        path: files.main, diagnostics: Self.diagnostics(messages, files.main))
    }
    return messages
  }

  private static func lacksSpace(_ outcome: Subprocess.Outcome) -> Bool {
    outcome.output.contains(SystemError.text(of: ENOSPC))
      || outcome.output.contains("No space left on device")
  }

  private func attempt(
    _ inputs: [String], _ swiftc: String, to program: String, moduleCache: URL
  ) throws(ToolchainError) -> Subprocess.Outcome {
    let arguments =
      [
        "-Onone", "-gline-tables-only", "-dwarf-version=4", "-module-name", "Model",
      ] + Self.language
      + (inputs.count > 1 ? ["-whole-module-optimization"] : [])
      + ["-module-cache-path", moduleCache.path, "-I", modules.folder.path, "-o", program]
      + inputs + modules.objects.map(\.path)
    return try Subprocess(
      executable: swiftc, arguments: arguments, supervision: supervision.compiler
    ).run()
  }

  /// What swiftc says; of a model that does not import MoE, that alone instead of every name.
  private static func diagnostics(_ messages: String, _ path: String) -> String {
    if messages.isEmpty { return "error: \(path): swiftc failed without a word" }
    if let other = messages.firstMatch(of: /(?m)^(.*: error: no such module '(\w+)')/)?.output,
      other.2.lowercased() == "moe"
    {
      return "\(other.1)\n  hint: the module's name is MoE: import MoE"
    }
    let source = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let isImported = source.contains(/(?m)^\s*(?:@\w+\s+)*import\s+MoE\b/)
    guard !isImported, messages.contains("cannot find '") else {
      return SwiftMessages.inWordsOfModels(messages)
    }
    return
      "\(path):1:1: error: the model does not import MoE\n  hint: begin the file with: import MoE"
  }

  private func run(_ program: String, _ files: ModelFiles) throws(ToolchainError) -> Trace {
    let path = files.main
    var process = Subprocess(
      executable: program,
      arguments: ["--graph-descriptor", String(Subprocess.extraDescriptor)]
        + settings.flatMap { ["--setting", $0] },
      supervision: supervision.model)
    process.hasExtraPipe = true
    process.environment = ModelCrash.environment
    let outcome = try Self.naming(path) { () throws(ToolchainError) in try process.run() }
    if let crash = ModelCrash(status: outcome.status, output: outcome.output, paths: files.all) {
      throw .modelCrashed(
        path: path, place: crash.place, reason: crash.reason, hint: crash.hint,
        messages: crash.messages)
    }
    let messages = Self.trimmed(outcome.output)
    guard outcome.status == 0 else {
      throw .modelFailed(path: path, status: outcome.status, messages: messages)
    }
    guard !outcome.extra.isEmpty else { throw .modelIsEmpty(path: path, messages: messages) }
    return Trace(graph: String(decoding: outcome.extra, as: UTF8.self), messages: messages)
  }

  /// Speaks of the model instead of the program that it became.
  private static func naming<Result>(
    _ path: String, _ work: () throws(ToolchainError) -> Result
  ) throws(ToolchainError) -> Result {
    do throws(ToolchainError) {
      return try work()
    } catch .tookTooLong(_, let seconds) {
      throw .modelTookTooLong(path: path, seconds: seconds)
    }
  }

  private func key(_ files: ModelFiles, _ sources: [Data], swiftc: String) -> ContentKey {
    let compiler = FileIdentity(path: SearchPath.resolved(swiftc))?.text ?? swiftc
    var inputs: [(label: String, value: Data)] = [
      ("kind", Data("program 2".utf8)), ("compiler", Data(compiler.utf8)),
      ("machine", Data(Machine.architecture.utf8)),
    ]
    for (path, source) in zip(files.all, sources) {
      inputs += [("path", Data(path.utf8)), ("source", source)]
    }
    for file in modules.files {
      inputs.append((file.lastPathComponent, (try? Data(contentsOf: file)) ?? Data()))
    }
    return ContentKey(inputs)
  }

  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
