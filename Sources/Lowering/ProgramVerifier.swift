import GraphIR

/// Checks what holds for every program, after each lowering step.
///
/// Values:
/// - Every source and every result of a call has a value of its own and a type; nothing else has one.
/// - A call reads sources and results of earlier calls; forward reads nothing of backward.
///
/// Operands:
/// - A call has the roles of its op, in the op's order. Those that are there once in the graph are
///   there once, but for what follows.
/// - A product has one or several weights, and as many biases or none; so has the gradient of its input.
///   Of several a product has one result with the parts side by side or a result for each, and the
///   gradient of the input one gradient or one for each. The gradient of the weights has a result for
///   each, and perhaps biases, as many.
/// - Attention and its gradient have queries, keys and values, or projections in their place, as wide as
///   the three together.
/// - A product over rows sorted by expert has `start`. Where it has `source` too, it gathers its rows:
///   they are tokens, and `source` tells of which token each sorted row is.
/// - A layer norm's gradient leaves out results that nothing reads.
/// - `pack`, `unpack` and `copy` belong to plans. `fit` has an operand and a result of as many axes.
///
/// Types:
/// - Results have the types that the op infers, whatever the extents of axes; of a product with several
///   weights each part has, and parts have one shape. Where they lie side by side in the last axis, each
///   begins with a panel.
///
/// Last steps:
/// - Products, the gradient of a product's input and combine's gradient take any; `combine` and a layer
///   norm's gradient one that adds an operand to the result.
/// - It reads the result and its extra operands, at most three, of the result's type; it draws from two
///   streams at most. Each result of a product may have one.
/// - All extra operands are those of last steps, in the order of the results.
///
/// The whole:
/// - Every output is bound to a value that exists; a gradient has its parameter's type and a state its
///   own, the loss, the objective and its terms are numbers.
/// - Every node of the graph that computes something is carried out by a call of its phase, and all
///   calls together cost what the graph does.
/// - A random stream has one meaning: normal numbers, or dropout with one rate.
/// - Weights are updated in backward where the call makes their gradients whole, each of one parameter,
///   and nothing reads the gradients, or later the weights.
public struct ProgramVerifier {
  let program: Program
  let graph: Graph
  let facts: ProgramFacts

  /// Returns if all of it holds; throws the first thing that does not, at the call's place in the
  /// model's source.
  public static func verify(_ program: Program, of graph: Graph) throws(Diagnostic) {
    let verifier = ProgramVerifier(
      program: program, graph: graph, facts: ProgramFacts(program))
    try verifier.checkValues()
    try verifier.forEachCall { call, _ throws(Mismatch) in
      try verifier.checkRoles(call.kernel)
      try verifier.checkTypes(call.kernel)
      try verifier.checkFinish(call.kernel)
    }
    try verifier.checkUpdates()
    try verifier.checkOutputs()
    try verifier.checkStreams()
    try verifier.checkNodes()
  }

  /// Calls `check` for every call and gives what it throws the call's place.
  func forEachCall(
    _ check: (Program.Call, Int) throws(Mismatch) -> Void
  ) throws(Diagnostic) {
    for (index, call) in program.calls.enumerated() {
      do throws(Mismatch) {
        try check(call, index)
      } catch {
        let made = call.results.map(\.description).joined(separator: ", ")
        throw Diagnostic(
          at: call.location, "\(error.message) (\(made) = \(call.kernel.action.name))",
          hint: error.hint)
      }
    }
  }

  private func checkValues() throws(Diagnostic) {
    var known: [Value: Phase] = [:]
    for source in program.sources {
      guard known.updateValue(.forward, forKey: source.value) == nil else {
        throw Diagnostic(at: source.location, "\(source.value) is two sources")
      }
    }
    try forEachCall { call, _ throws(Mismatch) in
      for input in call.inputs {
        guard let phase = known[input] else {
          throw Mismatch("\(input) is read before anything makes it")
        }
        if phase == .backward && call.phase == .forward {
          throw Mismatch("forward reads \(input) of the backward phase")
        }
      }
      for result in call.results {
        guard known.updateValue(call.phase, forKey: result) == nil else {
          throw Mismatch("\(result) is made twice")
        }
      }
    }
    guard Set(known.keys) == Set(program.types.keys) else {
      let odd = Set(known.keys).symmetricDifference(program.types.keys).min()
      throw Diagnostic(at: nil, "\(odd.map(\.description) ?? "") has a type or is made, not both")
    }
  }

  private func checkOutputs() throws(Diagnostic) {
    let parameters = Dictionary(
      program.parameters.map { ($0.parameter.name, $0.value) },
      uniquingKeysWith: { first, _ in first })
    for binding in program.outputs {
      guard let type = program.types[binding.value] else {
        throw Diagnostic(at: nil, "\(binding.output) is \(binding.value), which nothing makes")
      }
      switch binding.output {
      case .logits: continue
      case .loss, .objective, .term:
        guard type == .scalar else {
          throw Diagnostic(at: nil, "\(binding.output) is no number: \(type)")
        }
      case .gradient(let name), .state(let name):
        guard let parameter = parameters[name],
          plain(type) == plain(program.type(of: parameter))
        else {
          throw Diagnostic(at: nil, "\(binding.output) has not the type of a parameter: \(type)")
        }
      }
    }
  }

  /// Nodes and costs against those of the graph.
  private func checkNodes() throws(Diagnostic) {
    for phase in [Phase.forward, .backward] {
      let carried = Set(program.calls.filter { $0.phase == phase }.flatMap(\.nodes))
      for (index, node) in graph.nodes.enumerated()
      where node.phase == phase && node.op.kind != .input && node.op.kind != .parameter {
        guard carried.contains(index) else {
          throw Diagnostic(at: node.location, "no call carries out \(graph.line(of: index))")
        }
      }
      let (calls, nodes) = (program.cost(phase), graph.costOfAll(phase))
      guard calls == nodes else {
        throw Diagnostic(
          at: nil,
          "the calls of \(phase.rawValue) cost \(calls.flops) operations, the graph's nodes \(nodes.flops)"
        )
      }
    }
  }

  private func checkStreams() throws(Diagnostic) {
    var meanings: [Int: StreamUse.Meaning] = [:]
    try forEachCall { call, _ throws(Mismatch) in
      for use in call.kernel.draws {
        let known = meanings[use.stream] ?? use.meaning
        meanings[use.stream] = known
        guard known == use.meaning else {
          throw Mismatch("random stream \(use.stream) is used for \(known) and for \(use.meaning)")
        }
      }
    }
  }

  private func checkUpdates() throws(Diagnostic) {
    let parameters = Dictionary(
      program.parameters.map { ($0.parameter.name, $0.value) },
      uniquingKeysWith: { first, _ in first })
    try forEachCall { call, index throws(Mismatch) in
      guard call.updates else { return }
      guard call.op?.kind == .linearWeightGradient else {
        throw Mismatch("weights are updated by what makes no gradient of theirs")
      }
      for gradient in call.kernel.results(.weights) {
        guard facts.readers[gradient] == nil, let outputs = facts.outputs[gradient],
          outputs.count == 1, case .gradient(let name) = outputs[0],
          let weights = parameters[name]
        else { throw Mismatch("\(gradient) is not one parameter's gradient and nothing else") }
        guard facts.readers(of: weights).allSatisfy({ $0 < index }) else {
          throw Mismatch("\(name) is read after it is updated")
        }
      }
    }
  }
}

extension KernelCall {
  /// What the call draws from random streams.
  var draws: [StreamUse] {
    (op?.operation.streams ?? [])
      + finishesInOrder.flatMap { Pointwise($0.finish.expression).streams }
  }
}
