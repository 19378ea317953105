import Codegen
import Comparison
import Foundation
import GraphIR
import Lowering
import ModelRuntime
import Passes
import Planning
import Toolchain

/// Everything that must hold of any model: texts read back, no word of the C compiler, and a library
/// that computes what the interpreter does, with any number of threads.
public struct ModelCheck {
  public enum Outcome: Equatable {
    case right(compared: Int, error: Double)

    /// Rounding decides which experts are chosen in every trial.
    case undecided

    /// No library is made of it, and this is what its author is told.
    case refused(Diagnostic)
    case wrong([String])

    public var isWrong: Bool {
      if case .wrong = self { true } else { false }
    }
  }

  private let compiler: CCompiler
  private let folder: URL

  /// Of objects: the kernels' are the same for every model.
  private let cache: ContentCache

  /// How often parameters and tokens are drawn until rounding decides nothing.
  private static let attempts = 6

  /// - Parameter folder: where sources and libraries may lie meanwhile.
  public init(compiler: CCompiler, folder: URL) {
    self.compiler = compiler
    self.folder = folder
    cache = ContentCache(folder: folder.appendingPathComponent("objects"))
  }

  /// Compiles a model, passes and lowering steps left out and gradients accumulated by chance, and
  /// compares.
  public func outcome(of graph: Graph, seed: UInt64) -> Outcome {
    do {
      return try check(graph, seed: seed)
    } catch let refusal as Diagnostic {
      return .refused(refusal)
    } catch {
      return .wrong(["\(error)"])
    }
  }

  private func check(_ graph: Graph, seed: UInt64) throws -> Outcome {
    var dice = Dice(seed: seed ^ 0x5eed)
    let options = Self.options(&dice)
    let transformed = try Pipeline().run(graph, options: options)
    for text in [graph, transformed] where try Graph(parsing: text.text) != text {
      return .wrong(["the graph's text reads back as another graph"])
    }
    let accumulates = dice.happens(30)
    let steps = Self.some(of: LoweringPipeline.steps.map(\.name), &dice)
    let program = try LoweringPipeline.run(transformed, omitting: steps)
    guard try Program(parsing: program.text) == program else {
      return .wrong(["the program's text reads back as another program"])
    }
    let plan = try Plan(transformed, accumulates: accumulates, omitting: steps)
    guard try Plan(parsing: plan.text, of: transformed) == plan else {
      return .wrong(["the plan's text reads back as another plan"])
    }
    let code = GeneratedModel(plan, .init(sourceName: "random.swift"))
    let (library, said) = try build(code, seed: seed)
    defer { try? FileManager.default.removeItem(atPath: library.path) }
    if !said.isEmpty { return .wrong(["the C compiler says: \(said)"]) }
    let reference = try Pipeline().run(graph, options: .reference)
    var wrong = try ThreadCheck(reference, library, seed: seed).differences()
    var outcome = Outcome.undecided
    for attempt in 0..<UInt64(Self.attempts) where outcome == .undecided {
      guard let report = try Comparison(reference, library, seed: seed &+ attempt).report() else {
        continue
      }
      wrong += report.wrong.map(\.description)
      outcome = .right(compared: report.compared, error: report.closest?.error ?? 0)
    }
    let omitted = options.omitted.union(steps).sorted().joined(separator: ", ")
    return wrong.isEmpty ? outcome : .wrong(wrong + (omitted.isEmpty ? [] : ["without \(omitted)"]))
  }

  private static func options(_ dice: inout Dice) -> PipelineOptions {
    PipelineOptions(omitted: some(of: PipelineOptions.reference.omitted.sorted(), &dice))
  }

  /// None, more often than not; else some, by chance.
  private static func some(of names: [String], _ dice: inout Dice) -> Set<String> {
    guard dice.happens(40) else { return [] }
    return Set(names.filter { _ in dice.happens(40) })
  }

  /// One model in sixteen is compiled file by file, as users' are, and all those of which two files
  /// define one name for themselves.
  private func build(_ code: GeneratedModel, seed: UInt64) throws -> (ModelLibrary, said: String) {
    if seed % 16 != 0, let built = try? build(code, together: true) {
      return built
    }
    return try build(code, together: false)
  }

  private func build(_ code: GeneratedModel, together: Bool) throws -> (ModelLibrary, said: String) {
    let place = folder.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    for file in code.files + [Self.whole(code)] {
      let path = place.appendingPathComponent(file.path)
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.text.utf8).write(to: path)
    }
    let output = folder.appendingPathComponent("\(UUID().uuidString).so")
    let kernels = code.sources.filter { !Self.isOwn($0) }
    let sources = together ? [Self.whole(code).path] + kernels : code.sources
    let said = try compile(sources.map { place.appendingPathComponent($0) }, to: output)
    return (try ModelLibrary(path: output.path), said)
  }

  private func compile(_ sources: [URL], to output: URL) throws -> String {
    var options = CompileOptions()
    options.optimisation = .none
    return try compiler.compileLibrary(
      sources: sources, output: output, options: options, cache: cache)
  }

  /// The model's own files as one, which takes a third of the time: headers are read once.
  ///
  /// What a file defines for itself alone gets the file's name, as another may define it too.
  private static func whole(_ code: GeneratedModel) -> GeneratedFile {
    var lines: [String] = ["#include \"model.h\""]
    for (index, file) in code.files.enumerated()
    where file.path.hasSuffix(".c") && isOwn(file.path) {
      let names = staticFunctions(file.text)
      lines += names.sorted().map { "#define \($0) \($0)_of_\(index)" }
      lines.append("#include \"\(file.path)\"")
      lines += names.sorted().map { "#undef \($0)" }
    }
    return GeneratedFile(path: "whole.c", text: lines.joined(separator: "\n") + "\n")
  }

  /// The names of the functions of a C text that only it can see.
  private static func staticFunctions(_ text: String) -> Set<String> {
    let heads = text.split(separator: "\n").filter { $0.hasPrefix("static ") && $0.contains("(") }
    return Set(
      heads.compactMap { head in
        head.prefix { $0 != "(" }.split { $0 == " " || $0 == "*" }.last.map(String.init)
      })
  }

  /// Kernels are the same for every model, and kept.
  private static func isOwn(_ source: String) -> Bool { !source.hasPrefix("kernels/") }
}
