import GraphIR

/// The passes in order, and the loop that runs them.
public struct Pipeline: Sendable {
  public var passes: [Pass]

  public init(_ passes: [Pass] = Pipeline.standard) { self.passes = passes }

  /// What the compiler does to a model whose experts are shared out among so many ranks, whose rows hold several
  /// documents, or that keeps little for backward.
  ///
  /// - Parameter part: of a larger vocabulary the loss takes so many logits at a time; nil: all.
  public static func standard(
    expertRanks ranks: Int, documents: Bool = false, logitsAtOnce part: Int? = nil
  ) -> [Pass] {
    // Before Differentiate: what comes back through a mask is masked too, what comes back from exchanges exchanged.
    let own =
      (documents ? [Pass.maskDocuments] : []) + (ranks > 1 ? [.shareExperts(among: ranks)] : [])
      + (part.map { [.takeLogitsInParts(of: $0)] } ?? [])
    return standard.flatMap { pass in
      pass.name == Pass.differentiate.name ? own + [pass] : [pass]
    }
  }

  /// What the compiler does to every other model.
  public static let standard: [Pass] = [
    .fuseAttention,  // before Differentiate: attention has a gradient of its own
    .simplify,  // before Differentiate: what is gone needs no gradient
    .fuseGates,  // before Differentiate: what is one op then is differentiated as one
    .dropUnused,  // before Differentiate, so that only what is used is differentiated
    .differentiate,
    .simplify,  // again: gradients bring transposes, heads and sums of their own
    .shareCommon,  // before FusePointwise: what is shared has two uses and stays
    .fusePointwise,  // after Differentiate: forward values that backward reads stay
    .dropUnused,  // last: removes what the passes above left behind
  ]

  /// What it does to one that is to learn nothing, with --inference.
  public static let inference: [Pass] = [
    .keepLogits,  // first: what only training has is in nobody's way then
    .fuseAttention, .simplify, .dropUnused, .shareCommon, .fusePointwise, .dropUnused,
  ]
}

/// How to run a pipeline.
public struct PipelineOptions: Hashable, Sendable {
  /// Names of passes to leave out, to find out which one is to blame.
  public var omitted: Set<String>

  public init(omitted: Set<String> = []) { self.omitted = omitted }

  /// Without any pass that can be left out: what the interpreter runs to judge the others.
  public static let reference = PipelineOptions(
    omitted: Set(Pipeline.standard.filter { !$0.isRequired }.map(\.name)))
}

/// What a pass did.
public struct PassReport: Sendable {
  public var name: String
  public var graph: Graph
  public var changed: Bool
  public var seconds: Double
}

extension Pipeline {
  /// Runs the passes and verifies the graph before the first and after each.
  ///
  /// - Parameter observe: called after each pass.
  /// - Throws: a `Diagnostic` if the options name no pass or a required one, if a pass cannot do
  ///   its work, or if a graph is not as `Verifier` wants it.
  public func run(
    _ graph: Graph, options: PipelineOptions = PipelineOptions(),
    observe: (PassReport) -> Void = { _ in }
  ) throws(Diagnostic) -> Graph {
    try check(options)
    try Self.verify(graph, after: nil)
    var current = graph
    for pass in passes where !options.omitted.contains(pass.name) {
      let start = ContinuousClock.now
      let next = try pass.run(current)
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      try Self.verify(next, after: pass)
      observe(
        PassReport(name: pass.name, graph: next, changed: next != current, seconds: seconds))
      current = next
    }
    return current
  }

  private func check(_ options: PipelineOptions) throws(Diagnostic) {
    for name in options.omitted.sorted() {
      guard let pass = passes.first(where: { $0.name == name }) else {
        throw Diagnostic(
          at: nil, "there is no pass \"\(name)\"",
          hint: "the passes are \(names.joined(separator: ", "))")
      }
      if pass.isRequired {
        throw Diagnostic(at: nil, "\(name) cannot be left out: \(pass.summary)")
      }
    }
  }

  /// The names of the passes, each once, in order.
  public var names: [String] {
    var seen: Set<String> = []
    return passes.map(\.name).filter { seen.insert($0).inserted }
  }

  /// A graph that a pass broke is a bug of the pass, and is reported as one.
  private static func verify(_ graph: Graph, after pass: Pass?) throws(Diagnostic) {
    do {
      try Verifier.verify(graph)
    } catch {
      guard let pass else { throw error }
      throw Diagnostic(
        at: error.location, "after \(pass.name): \(error.message)",
        hint: "this is a bug in moec; --no \(pass.name) may avoid it")
    }
  }
}
