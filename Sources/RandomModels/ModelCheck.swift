import Comparison
import Driver
import Foundation
import GraphIR
import Interpreter
import Lowering
import ModelRuntime
import Passes
import Planning
import Toolchain

/// Everything that must hold of any model: texts read back, no word of the C compiler, and a library
/// that computes what the interpreter does, with any number of threads and ranks.
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

  /// It keeps the objects of kernels, which are the same for every model.
  private let compilation: Compilation
  private let folder: URL
  private let repeats: Int

  /// How often parameters and tokens are drawn until rounding decides nothing.
  private static let attempts = 6

  /// - Parameters:
  ///   - compiler: the C compiler; nil: the usual one.
  ///   - folder: where sources and libraries may lie meanwhile.
  ///   - kernels: how kernels are optimised, which are compiled once for all models.
  ///   - precompiled: what the compiler has read before; nil: it reads it into the folder.
  ///   - repeats: how often threads and ranks compute the same: what depends on who is first may be rare.
  public init(
    compiler: String? = nil, folder: URL, kernels: CompileOptions.Optimisation = .none,
    precompiled: PrecompiledHeader? = nil, repeats: Int = 1
  ) {
    var compilation = Compilation(model: "random.swift")
    compilation.preferredCompiler = compiler
    compilation.options.optimisation = .none
    compilation.options.kernelOptimisation = kernels
    compilation.cache = ContentCache(folder: folder.appendingPathComponent("objects"))
    compilation.keeping = .kernels
    compilation.precompiled = precompiled ?? PrecompiledHeader(in: folder)
    self.compilation = compilation
    self.folder = folder
    self.repeats = repeats
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
    let variant = ModelVariant(of: graph, &dice)
    let transformed = try variant.pipeline.run(graph, options: variant.options)
    for text in [graph, transformed] where try Graph(parsing: text.text) != text {
      return .wrong(["the graph's text reads back as another graph"])
    }
    let program = try LoweringPipeline.run(transformed, omitting: variant.steps)
    guard try Program(parsing: program.text) == program else {
      return .wrong(["the program's text reads back as another program"])
    }
    let place = folder.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    let plan = try Plan(
      transformed, accumulates: variant.accumulates, recomputes: variant.recomputes,
      omitting: variant.steps)
    switch try library(of: plan, in: place, seed: seed) {
    case .failure(let wrong): return .wrong([wrong.reason])
    case .success(let library):
      return try compared(graph, library, variant, &dice, seed: seed, in: place)
    }
  }

  /// What the model's library computes, beside the interpreter and other libraries of the model.
  private func compared(
    _ graph: Graph, _ library: ModelLibrary, _ variant: ModelVariant, _ dice: inout Dice,
    seed: UInt64, in place: URL
  ) throws -> Outcome {
    let reference = try variant.reference(of: graph)
    let ignored = Self.ignored(&dice)
    let ranks = RankCheck(reference, library, seed: seed, ignoring: ignored)
    var wrong: [String] = []
    for _ in 0..<repeats where wrong.isEmpty {
      wrong += try ThreadCheck(reference, library, seed: seed, ignoring: ignored).differences()
      wrong += try ranks.differences()
    }
    if dice.happens(25) {
      wrong += try sharedExperts(of: graph, variant, seed: seed, in: place) {
        try ranks.differences(
          of: RankCheck(reference, $0, seed: seed, ignoring: ignored), among: $1)
      }
    }
    wrong += try NextCheck(reference, library, seed: seed).differences()
    if variant.infers { wrong += try inference(of: graph, variant, seed: seed, in: place) }
    if variant.differentiates { wrong += gradients(of: reference, seed: seed) }
    var outcome = Outcome.undecided
    for attempt in 0..<UInt64(Self.attempts) where outcome == .undecided {
      let comparison = Comparison(
        reference, library, seed: seed &+ attempt, ignoring: ignored)
      guard let report = try comparison.report() else { continue }
      wrong += report.wrong.map(\.description)
      outcome = .right(compared: report.compared, error: report.closest?.error ?? 0)
    }
    let omitted = variant.omitted
    return wrong.isEmpty ? outcome : .wrong(wrong + (omitted.isEmpty ? [] : ["without \(omitted)"]))
  }

  /// What is wrong where ranks share out the experts, if two or three of them can.
  private func sharedExperts(
    of graph: Graph, _ variant: ModelVariant, seed: UInt64, in place: URL,
    _ differences: (ModelLibrary, Int) throws -> [String]
  ) throws -> [String] {
    for ranks in [2, 3] {
      let pipeline = variant.pipeline(expertRanks: ranks)
      guard let shared = try? pipeline.run(graph, options: variant.options) else { continue }
      guard try Graph(parsing: shared.text) == shared else {
        return ["a text reads back as another where ranks share out experts"]
      }
      let plan = try Plan(shared, accumulates: false, omitting: variant.steps)
      switch try library(of: plan, in: place.appendingPathComponent("shared"), seed: seed) {
      case .failure(let wrong): return ["where ranks share out experts: \(wrong.reason)"]
      case .success(let library): return try differences(library, ranks)
      }
    }
    return []
  }

  /// What is wrong with the model's library of --inference.
  private func inference(
    of graph: Graph, _ variant: ModelVariant, seed: UInt64, in place: URL
  ) throws -> [String] {
    let pipeline = Pipeline(Pipeline.inference)
    let small = try pipeline.run(
      graph, options: .init(omitted: variant.options.omitted.intersection(pipeline.names)))
    guard try Graph(parsing: small.text) == small else {
      return ["a text reads back as another with --inference"]
    }
    let plan = try Plan(small, accumulates: false, omitting: variant.steps)
    switch try library(of: plan, in: place.appendingPathComponent("inference"), seed: seed) {
    case .failure(let wrong): return ["with --inference: \(wrong.reason)"]
    case .success(let library):
      let reference = try Pipeline().run(graph, options: .reference)
      let found = try NextCheck(reference, library, seed: seed).differences()
      let logits = try Comparison(reference, library, seed: seed).reportOfLogits()
      return (found + logits.wrong.map(\.description)).map { "with --inference: \($0)" }
    }
  }

  /// Gradients that differences do not confirm: all else is compared with the reference's own.
  private func gradients(of reference: Graph, seed: UInt64) -> [String] {
    // Where every small step changes which experts are chosen, or no loss is finite, nothing can be said.
    let results = (try? GradientCheck(reference, seed: seed).results()) ?? []
    return results.filter { $0.verdict == .wrong }.map {
      "the slope by \($0.parameter) is \($0.analytic), by differences \($0.numeric)"
    }
  }

  /// Which targets are ignored: none or some, more often than not.
  private static func ignored(_ dice: inout Dice) -> IgnoredTargets {
    dice.pick([.none, .none, .none, .some, .some, .some, .allButOne, .all])
  }

  private struct Wrong: Error {
    let reason: String
  }

  /// A plan's library, or what is wrong with the plan's text or its C.
  private func library(
    of plan: Plan, in place: URL, seed: UInt64
  ) throws -> Result<ModelLibrary, Wrong> {
    guard try Plan(parsing: plan.text, of: plan.graph) == plan else {
      return .failure(Wrong(reason: "the plan's text reads back as another plan"))
    }
    let built = try build(plan, in: place, seed: seed)
    guard built.warnings.isEmpty else {
      return .failure(Wrong(reason: "the C compiler says: \(built.warnings)"))
    }
    return .success(try ModelLibrary(path: built.path))
  }

  /// One model in 64 is compiled file by file, as users' are, which takes ten times as long, and so are all
  /// those of which two files define one name for themselves.
  private func build(_ plan: Plan, in place: URL, seed: UInt64) throws -> ScratchLibrary {
    if seed % 64 != 0,
      let built = try? compilation.scratchLibrary(of: plan, in: place, isJoined: true)
    {
      return built
    }
    return try compilation.scratchLibrary(of: plan, in: place)
  }
}
