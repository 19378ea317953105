import ArgumentParser
import Codegen
import Driver
import Foundation
import GraphIR
import Lowering
import Passes
import Planning
import SystemFiles
import Toolchain
import Words

/// `moec compile MODEL.swift -o LIB.so`.
struct CompileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Compiles a model to C and to a library.",
    discussion: """
      EXAMPLES
        moec compile model.swift            # build/libmodel.so, its C in build/model
        moec compile my-model               # model.swift and what is beside it
        moec compile Examples/makemoe.swift -o libmakemoe.so
        moec compile model.swift --emit backward
        moec compile model.swift -o libmodel.so --summary --time-passes
        moec compile model.swift --strict
        moec compile model.swift --set experts=16 --set chosen=4
        moec compile model.swift --freeze 'token,block.*.attention'
        moec compile model.swift --lora 8 --lora-on attention,experts
      """)

  enum Stage: String, ExpressibleByArgument, CaseIterable {
    case graph, backward, plan, c
  }

  @ArgumentParser.Argument(
    help: "The model, a Swift file that imports MoE, or a folder with model.swift and helpers.",
    completion: .model)
  var model: String

  @Option(
    name: .shortAndLong, help: "The library to write. (default: build/libMODEL.so)",
    completion: .library)
  var output: String?

  @Option(
    help: "The folder for the C. (default: build/MODEL; with -o Generated/NAME)",
    completion: .directory)
  var generated: String?

  @Option(help: "Stop there and print it: graph, backward, plan or c.")
  var emit: Stage?

  @Option(
    help: ArgumentHelp(
      "Print the graph after a pass, the program after a lowering step, or all.",
      valueName: "pass|all"),
    completion: .list(PassReports.names + ["all"]))
  var printAfter: [String] = []

  @Option(
    help: ArgumentHelp(
      "Leave a pass or a lowering step out, to find out which one is to blame.", valueName: "pass"),
    completion: .list(PassReports.names))
  var no: [String] = []

  @Flag(help: "Print how long each pass and each lowering step took.")
  var timePasses = false

  @Flag(help: "Print layers, parameters, FLOPs and bytes.")
  var summary = false

  @Flag(help: "Make room to add up the gradients of several batches before an update.")
  var accumulate = false

  @Flag(
    help: """
      Keep of repeated layers only what lies between them, and run their forward again in backward, with the \
      same bits; of a vocabulary of more than 2048 let the loss make the logits part by part. Less memory, about \
      a third more arithmetic.
      """)
  var recompute = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Let so many ranks share out the experts of every mixture: each keeps its own, and tokens \
      travel to them. The library then runs with so many ranks, or a multiple.
      """, valueName: "n"))
  var expertRanks: Int?

  @Flag(
    help: """
      Let several documents stand in one row: a token sees those before it in its own, and positions count \
      from its beginning.
      """)
  var documents = false

  @Flag(
    help: """
      Make a library that gives logits and learns nothing: no gradients, no moments, nothing kept for \
      backward.
      """)
  var inference = false

  @OptionGroup var chosen: SettingOptions

  @OptionGroup var changes: ChangeOptions

  @OptionGroup var lint: LintOptions

  @Flag(name: .shortAndLong, help: "Print nothing but what was asked for, warnings and errors.")
  var quiet = false

  @Flag(
    help: """
      Build with address and undefined-behaviour checks; 'moec run' and the others load what they \
      need.
      """)
  var sanitize = false

  @Option(
    help: """
      The C compiler. (default: the first with OpenMP of clang, clang-N, Swift's clang, gcc, cc)
      """, completion: .file())
  var cc: String?

  @Option(
    help: """
      The processor to compile for; the C is the same for all: \
      \(CompileOptions.targets.joined(separator: ", ")).
      """,
    completion: .list(CompileOptions.targets))
  var target = "native"

  @OptionGroup var time: TimeLimit

  func validate() throws {
    if let expertRanks, !(1...1024).contains(expertRanks) {
      throw ValidationError("--expert-ranks must be from 1 to 1,024, not \(expertRanks.grouped)")
    }
    if output?.isEmpty == true { throw ValidationError("-o names no file: it is empty") }
    if lint.strict, emit == .graph {
      throw ValidationError("--strict has no meaning with --emit graph")
    }
    for (isGiven, option) in [(accumulate, "accumulate"), (documents, "documents")]
    where inference && isGiven {
      throw ValidationError("--\(option) has no meaning with --inference")
    }
    if inference, recompute {
      throw ValidationError("--recompute has no meaning with --inference: nothing goes back")
    }
    if recompute, expertRanks ?? 1 > 1 {
      throw ValidationError("--recompute is not for --expert-ranks: rows would travel twice")
    }
    if inference, expertRanks ?? 1 > 1 {
      throw ValidationError("--expert-ranks has no meaning with --inference")
    }
  }

  func run() throws {
    try reportingErrors { try compile() }
  }

  private func compile() throws {
    let reports = PassReports(printAfter: Set(printAfter))
    try reports.check(omitted: no)
    if let output, emit == nil {
      try claims(output).check()
      try AtomicFile.check(output)
    }
    var compilation = Compilation.onTerminal(model)
    compilation.settings = chosen.words
    changes.apply(to: &compilation)
    compilation.omittedPasses = no
    compilation.options = CompileOptions(target: target, sanitize: sanitize)
    compilation.preferredCompiler = cc
    compilation.accumulates = accumulate
    compilation.recomputes = recompute
    compilation.expertRanks = expertRanks ?? 1
    compilation.takesDocuments = documents
    compilation.infers = inference
    compilation.timeLimit = time.timeLimit
    compilation.observe = reports.add
    compilation.observeLowering = reports.add
    compilation.log = quiet || emit != nil ? .silent : .onTerminal()
    EditorCommands.update(for: model)
    let (traced, source) = try compilation.trace()
    if emit == .graph { return try printNow(traced.text) }
    let graph = try compilation.transformed(traced)
    if inference {
      let whole = try Compilation(model: model).transformed(traced.thawed)
      try compilation.lint(traced, transformed: whole, source: source, strict: lint.strict)
    } else {
      try compilation.lint(traced, transformed: graph, source: source, strict: lint.strict)
    }
    if emit == .backward {
      if timePasses { printToStandardError(reports.timeTable) }
      return try printNow(graph.text)
    }
    let plan = try compilation.plan(graph, source: source)
    if recompute, !plan.hasSharedBuffers, !plan.makesLogitsInParts {
      printToStandardError(
        "note: --recompute changes nothing: no layer repeats as one function, and logits are few")
    }
    if timePasses { printToStandardError(reports.timeTable) }
    if emit == .plan { return try printNow(plan.text) }
    let code = try compilation.generate(plan, source: source)
    if emit == .c { return try printNow(code.listing) }
    try build(compilation, plan, code)
  }

  private func build(_ compilation: Compilation, _ plan: Plan, _ code: GeneratedModel) throws {
    let outputs = CompileOutputs(
      model: model, name: plan.graph.name, output: output, generated: generated)
    let folder = try GeneratedFolder(outputs.generated)
    let library = outputs.library
    var claims = claims(library)
    folder.claim(code.files, in: &claims)
    try claims.check()
    try outputs.makeFolder()
    try AtomicFile.check(library)
    try folder.write(code.files)
    compilation.log.say("written", "\(code.files.count) files to \(outputs.generated)")
    let built = try compilation.build(
      code, in: folder.url, output: URL(fileURLWithPath: PlainPath.of(library) ?? library))
    if let note = built.note { printToStandardError(note) }
    if summary { try printTable(plan.summary + "\n") }
    if quiet { return }
    printToStandardError("wrote \(library) from \(outputs.generated)")
  }

  /// The files that this command touches but for the C.
  private func claims(_ library: String) -> FileClaims {
    var claims = FileClaims()
    for file in (try? ModelFiles(model).all) ?? [model] { claims.read(file, "the model") }
    claims.read(cc, "--cc")
    claims.write(library, "--output", over: .library)
    claims.write(Compilation.header(of: library), "the header of --output", over: .header)
    return claims
  }
}

extension GeneratedModel {
  /// All files but the kernels, one after the other.
  var listing: String {
    files.filter {
      !$0.path.hasPrefix("kernels/") && $0.path.hasSuffix(".c") || $0.path == "model.h"
    }
    .map(\.text).joined(separator: "\n")
  }
}

/// Collects what passes and lowering steps did, and prints what was asked for after them.
final class PassReports {
  private let printAfter: Set<String>
  private var reports: [(name: String, changed: Bool, seconds: Double)] = []

  init(printAfter: Set<String>) { self.printAfter = printAfter }

  /// The names of all passes, then of all lowering steps, in order.
  static let names =
    Pipeline(Pipeline.standard(expertRanks: 2, documents: true, logitsAtOnce: 16)).names
    + LoweringPipeline.names

  /// Refuses names of passes that do not exist.
  func check(omitted: [String]) throws {
    let names = printAfter.subtracting(["all"]).sorted() + omitted
    if let name = names.first(where: { !Self.names.contains($0) }) {
      throw CompilationError(
        message: "there is no pass \"\(name)\"",
        hint: "the passes are \(Self.names.joined(separator: ", "))")
    }
  }

  func add(_ report: PassReport) {
    add(report.name, report.changed, report.seconds) { report.graph.text }
  }

  func add(_ report: LoweringReport) {
    add(report.name, report.changed, report.seconds) { report.program.text }
  }

  private func add(_ name: String, _ changed: Bool, _ seconds: Double, _ text: () -> String) {
    reports.append((name, changed, seconds))
    guard printAfter.contains(name) || printAfter.contains("all") else { return }
    let title = "# after \(name)" + (changed ? "" : " (unchanged)")
    printToStandardError(changed ? "\(title)\n\(text())" : title)
  }

  /// The passes, slowest first.
  var timeTable: String {
    let rows = reports.sorted { $0.seconds > $1.seconds }.map { report in
      String(format: "%10.3f ms  ", report.seconds * 1000) + report.name
        + (report.changed ? "" : " (unchanged)")
    }
    return rows.joined(separator: "\n")
  }
}
