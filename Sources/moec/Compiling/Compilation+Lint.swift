import ArgumentParser
import Driver
import GraphIR
import Lint
import Planning
import Runner
import Toolchain

/// What commands that lint can be told.
struct LintOptions: ParsableArguments {
  @Flag(help: "Take warnings about the model for errors.")
  var strict = false
}

extension Compilation {
  /// Prints what the linter says about a model.
  ///
  /// - Parameters:
  ///   - traced: the graph as the model makes it.
  ///   - transformed: the same after all passes, which is what a step costs.
  /// - Returns: the number of warnings.
  /// - Throws: a `CompilationError` for marks that cannot be understood, and, if `strict`, for
  ///   warnings.
  @discardableResult
  func lint(
    _ traced: Graph, transformed: Graph, source: ModelSource, strict: Bool
  ) throws -> Int {
    // What a model is judged by is what it costs to train all of it: it may be frozen for one run only.
    let transformed =
      traced.parameters.contains(where: \.parameter.isFrozen)
      ? try Compilation(model: model).transformed(traced.thawed) : transformed
    let settings = TrainingSettings()
    let forward = transformed.flops(.forward)
    let work = Subject.Work(
      forward: forward, step: forward + transformed.flops(.backward),
      evaluationInterval: settings.evaluationInterval,
      evaluationBatches: settings.evaluationBatches)
    let report = Linter().lint(
      Subject(traced, transformed: transformed, work: work), source: source,
      path: (try? ModelFiles(model).main) ?? model)
    let warnings = report.warnings.map { $0.text(asError: strict) }
    if !report.errors.isEmpty {
      throw CompilationError((report.errors.map(\.description) + warnings).joined(separator: "\n"))
    }
    if strict, !warnings.isEmpty { throw CompilationError(warnings.joined(separator: "\n")) }
    for warning in warnings { write(warning + "\n") }
    return warnings.count
  }
}
