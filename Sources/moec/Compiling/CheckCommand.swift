import ArgumentParser
import Driver
import Foundation
import GraphIR
import Interpreter
import Lint
import Passes
import Planning
import SystemFiles
import Words

/// `moec check MODEL.swift`.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Checks a model: shapes, plan, warnings; gradients and the compiled C if asked.",
    discussion: """
      Traces the model, verifies its graph after every pass, plans it, and warns of what is legal \
      but surely unmeant. With --compiled, a copy cut down in size is compiled as 'moec compile' \
      does it, and its losses, gradients, steps and logits are compared with the interpreter's. A \
      comment '// moec:intended RULE: why' on the line of a warning, or on the line above, silences \
      it.

      EXAMPLES
        moec check Examples/makemoe.swift
        moec check Examples/makemoe.swift --gradients --compiled
        moec check model.swift --strict
        moec check model.swift --settings
        moec check --rules
      """)

  @ArgumentParser.Argument(
    help: "The model, a Swift file that imports MoE, or a folder with model.swift and helpers.",
    completion: .model)
  var model: String?

  @OptionGroup var chosen: SettingOptions

  @OptionGroup var changes: ChangeOptions

  @OptionGroup var lint: LintOptions

  @OptionGroup var time: TimeLimit

  @Flag(help: "Compare all gradients with central differences, in double precision.")
  var gradients = false

  @Flag(
    help: """
      Compare what the compiled C of a smaller copy computes with the interpreter: losses, \
      gradients, two steps, and logits of texts of every length.
      """)
  var compiled = false

  @Flag(help: "Print what can be chosen with --set, and nothing else.")
  var settings = false

  @Flag(help: "Print the rules behind the warnings, and why each one matters.")
  var rules = false

  func validate() throws {
    if rules, model != nil || gradients || compiled || lint.strict || settings {
      throw ValidationError("--rules stands alone")
    }
    if settings, gradients || compiled || lint.strict {
      throw ValidationError("--settings only lists: give it no other check")
    }
    if !rules, model == nil { throw ValidationError("name a model, such as model.swift") }
  }

  func run() throws {
    try reportingErrors {
      guard let model else {
        let columns = Terminal.columns(STDOUT_FILENO) ?? .max
        return try printNow(Wrapping.text(Self.ruleList, columns: columns))
      }
      var compilation = Compilation.onTerminal(model)
      compilation.settings = chosen.words
      changes.apply(to: &compilation)
      compilation.timeLimit = time.timeLimit
      EditorCommands.update(for: model)
      if settings {
        let list = try compilation.trace().graph.settings
        return try printTable(list.table + "\n")
      }
      try check(compilation)
    }
  }

  private func check(_ compilation: Compilation) throws {
    var compilation = compilation
    var passes: [String] = []
    compilation.observe = { passes.append($0.name) }
    let (traced, source) = try compilation.trace()
    let graph = try compilation.transformed(traced)
    let plan = try compilation.plan(graph, source: source)
    let warnings = try compilation.lint(
      traced, transformed: graph, source: source, strict: lint.strict)
    try printTable(plan.overview + "\n")
    try printTable("verified after \(passes.count) passes: \(graph.nodes.count.grouped) nodes\n")
    let layers = plan.layers.count == 1 ? "1 layer" : "\(plan.layers.count.grouped) distinct layers"
    try printTable("planned: \(layers), \(plan.memory.total.grouped) bytes\n")
    try printTable(Self.said(warnings) + "\n")
    if gradients { try checkGradients(of: traced) }
    if compiled { try printTable(CompiledCheck(compilation, traced, source: source).text() + "\n") }
  }

  private static func said(_ warnings: Int) -> String {
    switch warnings {
    case 0: "no warnings"
    case 1: "1 warning"
    default: "\(warnings) warnings"
    }
  }

  /// Every rule with its name, what it finds, why that matters and what to do.
  static var ruleList: String {
    Rule.allCases.map { rule in
      let definition = rule.definition
      return """
        \(rule.rawValue)
          \(definition.sentence)
          why: \(definition.reason)
          way out: \(definition.wayOut)

        """
    }.joined(separator: "\n")
  }
}

extension CheckCommand {
  private func checkGradients(of traced: Graph) throws {
    do {
      let small = try CutDownModel(traced.withActiveAdapters)
      let check = try GradientCheck(try Pipeline().run(small.graph))
      let results = try check.results()
      let wrong = results.filter { $0.verdict == .wrong }
      if !wrong.isEmpty { throw CompilationError(Self.text(of: wrong)) }
      try printTable("gradients: \(Self.text(of: results, small))\n")
      let zero = results.filter(\.isZero).map(\.parameter)
      if !zero.isEmpty { try printTable("  0 everywhere: \(zero.joined(separator: ", "))\n") }
      let undecided = results.filter { $0.verdict == .undecided }.map(\.parameter)
      if !undecided.isEmpty {
        try printTable("  differences tell nothing of \(undecided.joined(separator: ", "))\n")
      }
    } catch let error as Diagnostic {
      throw CompilationError(error.description)
    }
  }

  private static func text(of results: [GradientCheck.Result], _ small: CutDownModel) -> String {
    let sizes = small.sizes.map { "\($0.name) \($0.size)" }.joined(separator: ", ")
    let right = results.filter(\.isRight)
    let worst = right.max { $0.relativeError < $1.relativeError }
    let error = worst.map { String(format: "%.1e", $0.relativeError) + " (\($0.parameter))" }
    let all = results.count == 1 ? "the only one is" : "all \(results.count) are"
    let count = right.count == results.count ? all : "\(right.count) of \(results.count) are"
    return "\(count) right, the largest relative error is \(error ?? "0")\n"
      + "  in a model cut down to \(sizes)"
  }

  private static func text(of wrong: [GradientCheck.Result]) -> String {
    let lines = wrong.map {
      "error: the gradient of \($0.parameter) is wrong: "
        + String(format: "%.9g where differences give %.9g", $0.analytic, $0.numeric)
    }
    return (lines + ["hint: this is a bug of moec: please report it with the model"])
      .joined(separator: "\n")
  }
}
