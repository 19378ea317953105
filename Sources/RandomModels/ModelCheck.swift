import Comparison
import Driver
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

    /// No library is made of it, and this is what its author is told.
    case refused(Diagnostic)
    case wrong([String])

    public var isWrong: Bool {
      if case .wrong = self { true } else { false }
    }
  }

  /// Of objects it keeps the kernels', which are the same for every model.
  private let compilation: Compilation
  private let folder: URL

  /// How often parameters and tokens are drawn until rounding decides nothing.
  private static let attempts = 6

  /// - Parameters:
  ///   - compiler: the C compiler; nil: the usual one.
  ///   - folder: where sources and libraries may lie meanwhile.
  public init(compiler: String? = nil, folder: URL) {
    var compilation = Compilation(model: "random.swift")
    compilation.preferredCompiler = compiler
    compilation.options.optimisation = .none
    compilation.cache = ContentCache(folder: folder.appendingPathComponent("objects"))
    self.compilation = compilation
    self.folder = folder
  }

  /// Compiles a model, passes left out and gradients accumulated by chance, and compares.
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
    let plan = try Plan(transformed, accumulates: dice.happens(30))
    let place = folder.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    let built = try build(plan, in: place, seed: seed)
    if !built.warnings.isEmpty { return .wrong(["the C compiler says: \(built.warnings)"]) }
    let library = try ModelLibrary(path: built.path)
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

  /// One model in sixteen is compiled file by file, as users' are, and all those of which two files
  /// define one name for themselves.
  private func build(_ plan: Plan, in place: URL, seed: UInt64) throws -> ScratchLibrary {
    if seed % 16 != 0,
      let built = try? compilation.scratchLibrary(of: plan, in: place, isJoined: true)
    {
      return built
    }
    return try compilation.scratchLibrary(of: plan, in: place)
  }
}
