import Codegen
import Comparison
import Foundation
import GraphIR
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
    case wrong([String])
  }

  private let compiler: CCompiler
  private let folder: URL

  /// How often parameters and tokens are drawn until rounding decides nothing.
  private static let attempts = 6

  /// - Parameter folder: where sources and libraries may lie meanwhile.
  public init(compiler: CCompiler, folder: URL) {
    self.compiler = compiler
    self.folder = folder
  }

  /// Compiles a model, passes left out and gradients accumulated by chance, and compares.
  public func outcome(of graph: Graph, seed: UInt64) -> Outcome {
    do {
      return try check(graph, seed: seed)
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
    let plan = try Plan(transformed, accumulates: dice.happens(30))
    let (library, said) = try build(GeneratedModel(plan, .init(sourceName: "random.swift")))
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
    let omitted = options.omitted.sorted().joined(separator: ", ")
    return wrong.isEmpty ? outcome : .wrong(wrong + (omitted.isEmpty ? [] : ["without \(omitted)"]))
  }

  private static func options(_ dice: inout Dice) -> PipelineOptions {
    guard dice.happens(40) else { return PipelineOptions() }
    let optional = PipelineOptions.reference.omitted.sorted()
    return PipelineOptions(omitted: Set(optional.filter { _ in dice.happens(40) }))
  }

  private func build(_ code: GeneratedModel) throws -> (ModelLibrary, said: String) {
    let place = folder.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    for file in code.files {
      let path = place.appendingPathComponent(file.path)
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.text.utf8).write(to: path)
    }
    var options = CompileOptions()
    options.optimisation = .none
    let output = folder.appendingPathComponent("\(UUID().uuidString).so")
    let said = try compiler.compileLibrary(
      sources: code.sources.map { place.appendingPathComponent($0) }, output: output,
      options: options)
    return (try ModelLibrary(path: output.path), said)
  }
}
