import GraphIR

/// A step of lowering: a function from program to program with a name by which to leave it out.
public struct LoweringStep: Sendable {
  public var name: String

  /// What it does, in one line.
  public var summary: String
  public var run: @Sendable (inout Program) -> Void

  init(_ name: String, _ summary: String, _ run: @escaping @Sendable (inout Program) -> Void) {
    self.name = name
    self.summary = summary
    self.run = run
  }
}

/// What a step did.
public struct LoweringReport: Sendable {
  public var name: String
  public var program: Program
  public var changed: Bool
  public var seconds: Double
}

/// The way from a graph to a program as the kernels want it, step by step.
public enum LoweringPipeline {
  /// Makes a call of every node; cannot be left out.
  public static let first = "LowerOps"

  /// What is done to every program; each of the steps can be left out.
  public static let steps: [LoweringStep] = [
    // The fewer calls stand between a product and the rows that it reads, the more of them are joined.
    .init(
      "GatherRows", "products read dispatched rows through source", { $0.gatherRows() }),
    // Before SumProducts and JoinProducts, which leave products of unequal width apart.
    .init(
      "JoinProjections", "an attention's queries, keys and values become parts of one tensor",
      { $0.joinProjections() }),
    .init(
      "SumProducts", "gradients of the same rows that are added up become one product",
      { $0.sumProducts() }),
    // After SumProducts, which leaves sums of one addend.
    .init(
      "DropIdentities", "pointwise calls that change nothing are left out",
      { $0.dropIdentities() }),
    // After DropIdentities, so that the product's only reader is one that computes something.
    .init(
      "FinishProducts", "pointwise calls become the last steps of products",
      { $0.finishProducts() }),
    // After FinishProducts: a last step that reads what another product makes keeps the two apart.
    .init(
      "JoinProducts", "products that read the same rows become one call",
      { $0.joinProducts() }),
    // After FinishProducts: the residual's gradient is the last step of the input's alone.
    .init(
      "SplitNormGradients", "a norm's gradients of input and parameters become two calls",
      { $0.splitNormGradients() }),
    // Last of those that move calls.
    .init(
      "PostponeParameterGradients", "sums over all rows wait until threads meet anyway",
      { $0.postponeParameterGradients() }),
    // After all that move calls: what matters is who reads the weights later.
    .init(
      "UpdateInBackward", "weights are updated as soon as their gradients are there",
      { $0.updateInBackward() }),
  ]

  /// The names of all steps, in order.
  public static var names: [String] { [first] + steps.map(\.name) }

  /// Lowers a graph that holds forward and backward, and verifies the program after each step.
  ///
  /// - Parameters:
  ///   - omitted: names of steps to leave out, to find out which one is to blame.
  ///   - observe: called after each step.
  /// - Throws: a `Diagnostic` for a graph that has no meaning for a shorter text, for a name that is no
  ///   step's or that of the first one, or for a program that is not as `ProgramVerifier` wants it.
  public static func run(
    _ graph: Graph, omitting omitted: Set<String> = [],
    observe: (LoweringReport) -> Void = { _ in }
  ) throws(Diagnostic) -> Program {
    try check(omitted)
    var start = ContinuousClock.now
    func report(_ name: String, _ program: Program, _ changed: Bool) {
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      observe(.init(name: name, program: program, changed: changed, seconds: seconds))
    }
    var program = try Program(graph)
    report(first, program, true)
    try verify(program, of: graph, after: first)
    for step in steps where !omitted.contains(step.name) {
      start = ContinuousClock.now
      let before = program
      step.run(&program)
      report(step.name, program, program != before)
      try verify(program, of: graph, after: step.name)
    }
    program.followReceivedRows()
    try verify(program, of: graph, after: "all steps")
    return program
  }

  private static func check(_ omitted: Set<String>) throws(Diagnostic) {
    guard let name = omitted.sorted().first(where: { name in !steps.contains { $0.name == name } })
    else { return }
    if name == first {
      throw Diagnostic(at: nil, "\(first) cannot be left out: it makes a call of every node")
    }
    throw Diagnostic(
      at: nil, "there is no lowering step \"\(name)\"",
      hint: "the steps are \(names.joined(separator: ", "))")
  }

  /// A program that a step broke is a bug of the step, and is reported as one.
  private static func verify(
    _ program: Program, of graph: Graph, after step: String
  ) throws(Diagnostic) {
    do {
      try ProgramVerifier.verify(program, of: graph)
    } catch {
      let way = step == first ? "" : "; --no \(step) may avoid it"
      throw Diagnostic(
        at: error.location, "after \(step): \(error.message)", hint: "this is a bug in moec\(way)")
    }
  }
}
