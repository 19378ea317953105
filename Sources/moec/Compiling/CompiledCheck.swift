import Comparison
import Driver
import Foundation
import GraphIR
import Interpreter
import ModelRuntime
import Passes
import Toolchain

/// `moec check --compiled`: the C of a smaller copy of a model against the interpreter.
struct CompiledCheck {
  private let compilation: Compilation
  private let source: ModelSource
  private let small: CutDownModel

  /// Cuts the traced model down.
  init(_ compilation: Compilation, _ traced: Graph, source: ModelSource) throws {
    var compilation = compilation
    compilation.observe = { _ in }
    self.compilation = compilation
    self.source = source
    small = try compilation.explaining { try CutDownModel(traced, for: .kernels) }
  }

  /// How many sets of parameters and tokens are compared, and how many are tried for that. Some targets of
  /// every second one are ignored.
  private static let (trials, attempts) = (2, 12)

  /// What was compared, for a person.
  ///
  /// - Throws: a `CompilationError` that lists what the C computes wrongly.
  func text() throws -> String {
    Processors.waitPassively()
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let compiled = try compilation.scratchLibrary(of: small.graph, source: source, in: folder.url)
    let library = try ModelLibrary(path: compiled.path)
    let reference = try compilation.explaining {
      try Pipeline().run(small.graph, options: .reference)
    }
    let next = NextCheck(reference, library, seed: 1)
    let differences = try compilation.explaining(next.differences)
    var reports: [Comparison.Report] = []
    for seed in 1...UInt64(Self.attempts) where reports.count < Self.trials {
      let comparison = Comparison(
        reference, library, seed: seed, ignoring: seed % 2 == 0 ? .some : .none)
      if let report = try compilation.explaining(comparison.report) { reports.append(report) }
    }
    return try text(of: reports, differences)
  }

  /// Where rounding may come from.
  private var hint: String {
    let chooses = small.graph.nodes.contains { if case .top = $0.op { true } else { false } }
    let numbers =
      "numbers are not finite, or too large for C: look for roots, powers, logarithms and divisions"
    return chooses
      ? "what is chosen by, as a router's logits, is too close to each other, or " + numbers
      : numbers
  }

  /// What nothing can be said of.
  private static func text(unsure reports: [Comparison.Report]) -> String {
    let names = Set(reports.flatMap(\.unsure)).sorted()
    guard let first = names.first else { return "" }
    let more = names.count > 1 ? " and \(names.count - 1) more" : ""
    return "\n  not compared, as rounding changes or decides too much of it: \(first)\(more)"
  }

  private func text(of reports: [Comparison.Report], _ differences: [String]) throws -> String {
    let wrong = reports.flatMap(\.wrong).map(\.description) + differences
    if !wrong.isEmpty {
      let lines = wrong.prefix(8).map { "error: the compiled C is wrong: \($0)" }
      let more = wrong.count > 8 ? ["error: and \(wrong.count - 8) more"] : []
      let hint =
        "hint: this is a bug of moec: please report it with the model; 'moec compile --no PASS' "
        + "may avoid it until then"
      throw CompilationError((lines + more + [hint]).joined(separator: "\n"))
    }
    let count = reports.reduce(0) { $0 + $1.compared }
    guard count > 0 else {
      throw CompilationError(
        message: "the compiled C could not be compared: rounding decides too much", hint: hint)
    }
    let closest = reports.compactMap(\.closest).max { $0.error < $1.error }
    let error = closest.map { String(format: "%.1e", $0.error) + " (\($0.name))" }
    let sizes = small.sizes.map { "\($0.name) \($0.size)" }.joined(separator: ", ")
    return "compiled C: all of \(count) results are right, the largest relative error is "
      + "\(error ?? "0")\n  in a model cut down to \(sizes)" + Self.text(unsure: reports)
      + windowText
  }

  /// What texts of the smaller copy do not reach.
  private var windowText: String {
    let context = small.graph.context.size
    let windows = small.graph.nodes.compactMap { node -> Int? in
      if case .attention(let op) = node.op { op.window } else { nil }
    }
    guard let window = windows.max(), window >= context else { return "" }
    return
      "\n  not looked at: what a window of \(window) hides, as its texts have \(context) tokens"
  }
}
