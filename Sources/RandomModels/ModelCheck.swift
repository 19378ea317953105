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
    let options = Self.options(&dice)
    let documents = Self.takesDocuments(graph, &dice)
    var others = dice.forked()
    let part = others.happens(30) ? LinearCrossEntropy.partAlignment : nil
    let transformed = try Pipeline(
      Pipeline.standard(expertRanks: 1, documents: documents, logitsAtOnce: part)
    ).run(graph, options: options)
    for text in [graph, transformed] where try Graph(parsing: text.text) != text {
      return .wrong(["the graph's text reads back as another graph"])
    }
    let accumulates = dice.happens(30)
    let steps = Self.some(of: LoweringPipeline.steps.map(\.name), &dice)
    let program = try LoweringPipeline.run(transformed, omitting: steps)
    guard try Program(parsing: program.text) == program else {
      return .wrong(["the program's text reads back as another program"])
    }
    let plan = try Plan(
      transformed, accumulates: accumulates, recomputes: dice.happens(25), omitting: steps)
    guard try Plan(parsing: plan.text, of: transformed) == plan else {
      return .wrong(["the plan's text reads back as another plan"])
    }
    let place = folder.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    let built = try build(plan, in: place, seed: seed)
    if !built.warnings.isEmpty { return .wrong(["the C compiler says: \(built.warnings)"]) }
    let library = try ModelLibrary(path: built.path)
    let reference = try Pipeline(Pipeline.standard(expertRanks: 1, documents: documents))
      .run(graph, options: .reference)
    let ignored = Self.ignored(&dice)
    var wrong: [String] = []
    for _ in 0..<repeats where wrong.isEmpty {
      wrong += try ThreadCheck(reference, library, seed: seed, ignoring: ignored).differences()
      wrong += try RankCheck(reference, library, seed: seed, ignoring: ignored).differences()
    }
    if dice.happens(25) {
      let ranks = RankCheck(reference, library, seed: seed, ignoring: ignored)
      wrong += try sharedExperts(
        of: graph, documents: documents, logitsAtOnce: part, options, steps, seed: seed, in: place
      ) {
        try ranks.differences(
          of: RankCheck(reference, $0, seed: seed, ignoring: ignored), among: $1)
      }
    }
    var outcome = Outcome.undecided
    for attempt in 0..<UInt64(Self.attempts) where outcome == .undecided {
      let comparison = Comparison(
        reference, library, seed: seed &+ attempt, ignoring: ignored)
      guard let report = try comparison.report() else { continue }
      wrong += report.wrong.map(\.description)
      outcome = .right(compared: report.compared, error: report.closest?.error ?? 0)
    }
    let omitted = options.omitted.union(steps).sorted().joined(separator: ", ")
    return wrong.isEmpty ? outcome : .wrong(wrong + (omitted.isEmpty ? [] : ["without \(omitted)"]))
  }

  /// What is wrong where ranks share out the experts, if two or three of them can.
  private func sharedExperts(
    of graph: Graph, documents: Bool, logitsAtOnce part: Int?, _ options: PipelineOptions,
    _ steps: Set<String>, seed: UInt64, in place: URL,
    _ differences: (ModelLibrary, Int) throws -> [String]
  ) throws -> [String] {
    for ranks in [2, 3] {
      let pipeline = Pipeline(
        Pipeline.standard(expertRanks: ranks, documents: documents, logitsAtOnce: part))
      guard let shared = try? pipeline.run(graph, options: options) else { continue }
      let plan = try Plan(shared, accumulates: false, omitting: steps)
      guard try Graph(parsing: shared.text) == shared,
        try Plan(parsing: plan.text, of: shared) == plan
      else { return ["a text reads back as another where ranks share out experts"] }
      let built = try build(plan, in: place.appendingPathComponent("shared"), seed: seed)
      if !built.warnings.isEmpty { return ["the C compiler says: \(built.warnings)"] }
      return try differences(try ModelLibrary(path: built.path), ranks)
    }
    return []
  }

  private static func options(_ dice: inout Dice) -> PipelineOptions {
    PipelineOptions(omitted: some(of: PipelineOptions.reference.omitted.sorted(), &dice))
  }

  /// Whether there are several documents in a row: by chance, where the model can have them.
  private static func takesDocuments(_ graph: Graph, _ dice: inout Dice) -> Bool {
    guard dice.happens(40) else { return false }
    do {
      _ = try Pipeline(Pipeline.standard(expertRanks: 1, documents: true)).run(graph)
    } catch  where error.message.hasPrefix("--documents: ") {
      return false
    } catch {}  // which the caller finds too
    return true
  }

  /// Which targets are ignored: none or some, more often than not.
  private static func ignored(_ dice: inout Dice) -> IgnoredTargets {
    dice.pick([.none, .none, .none, .some, .some, .some, .allButOne, .all])
  }

  /// None, more often than not; else some, by chance.
  private static func some(of names: [String], _ dice: inout Dice) -> Set<String> {
    guard dice.happens(40) else { return [] }
    return Set(names.filter { _ in dice.happens(40) })
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
