import GraphIR
import Interpreter
import MoE
import Testing

@testable import Passes

/// What is differentiated, and what passes keep of it.
@Suite struct ObjectiveTests {
  /// Two blocks with a mixture whose loads are balanced by a term of the objective and by a state.
  static func balanced(weight: Double = 0.5) throws -> Graph {
    typealias Axis = MoE.Axis
    let (V, T, B) = (Axis("V", 7), Axis("T", 5), Axis("B", 3))
    let (C, E) = (Axis("C", 6), Axis("E", 4))
    return try LanguageModel.trace("balanced", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
      return layers("block", 2, x) { x in
        let logits = x.linear("gate", E)
        let loads = state("loads", E, initial: 0.25)
        let mean = logits.softmax().mean(over: B, T)
        auxiliary("balance", weight: weight, (mean * mean).sum() * 4)
        auxiliary("size", weight: 0, (logits * logits).mean())
        loads.update(to: loads.value * 0.9 + mean * 0.1)
        let rows = x.routed(by: (logits - loads.value * 2).top(2).softmax())
        return x + rows.linear("up", 2 * C).relu().linear("down", C).combined()
      }.linear("head", V)
    }
  }

  private static let omissions =
    [[]] + Pipeline.standard.filter { !$0.isRequired }.map { [$0.name] }
    + [PipelineOptions.reference.omitted.sorted()]

  @Test(
    "Passes keep loss, terms and new states, with the numbers that they have", arguments: omissions)
  func kept(_ omitted: [String]) throws {
    let traced = try Self.balanced()
    let graph = try Pipeline().run(traced, options: PipelineOptions(omitted: Set(omitted)))
    let count = traced.batch.size * traced.context.size
    let tokens = (0..<count).map { Int32($0 * 31 % 7) }
    let runs = try [traced, graph].map {
      try Interpreter($0, seed: 3, tokens: tokens, targets: tokens.reversed()).run()
    }
    #expect(graph.terms.map(\.name) == traced.terms.map(\.name))
    for (name, value) in runs[0].terms {
      let other = try #require(runs[1].terms[name])
      #expect(abs(value - other) < 1e-12)
    }
    for name in ["block.0.loads", "block.1.loads"] {
      let states = try runs.map { try #require($0.state(name)) }
      #expect(zip(states[0], states[1]).allSatisfy { abs($0 - $1) < 1e-12 })
    }
    let loss = try #require(runs[0].loss)
    let objective = try #require(runs[1].objective)
    let sum = runs[0].terms.reduce(loss) { $0 + ($1.key.hasSuffix("balance") ? 0.5 * $1.value : 0) }
    #expect(abs(objective - sum) < 1e-12)
    #expect(abs(objective - loss) > 0.1)
  }

  @Test("Gradients are those of the objective, by central differences")
  func gradients() throws {
    let graph = try Pipeline().run(Self.balanced(weight: 3))
    let results = try GradientCheck(graph).results()
    #expect(results.count == graph.parameters.count { !$0.parameter.isState })
    #expect(results.allSatisfy { $0.isRight && !$0.isZero })
    // Differences of the loss alone are others, so that the check can fail.
    var alone = graph
    alone.outputs.removeAll { $0.output == .objective }
    #expect(try GradientCheck(alone).results().contains { !$0.isRight })
  }

  @Test("A step of the reference gives states their new values")
  func steps() throws {
    let graph = try Pipeline().run(Self.balanced())
    let tokens = (0..<15).map { Int32($0 * 31 % 7) }
    let first = Interpreter.initialParameters(of: graph, seed: 1)
    #expect(first["block.0.loads"] == [0.25, 0.25, 0.25, 0.25])
    var optimizer = AdamWReference(graph, parameters: first)
    let run = try Interpreter(
      graph, seed: 1, tokens: tokens, targets: tokens, parameters: first
    ).run()
    optimizer.step(run)
    let state = try #require(optimizer.parameters["block.1.loads"])
    #expect(state == run.state("block.1.loads"))
    #expect(abs(state.reduce(0, +) - 1) < 1e-9 && state != first["block.1.loads"])
  }

  @Test("States draw nothing from the streams of learned parameters")
  func streams() throws {
    let graph = try Self.balanced()
    let values = Interpreter.initialParameters(of: graph, seed: 9)
    let learned = graph.parameters.filter { !$0.parameter.isState }
    for (number, entry) in learned.enumerated() {
      #expect(graph.parameterNumbers[entry.node] == number)
    }
    var without = graph
    without.nodes = learned.map { graph.nodes[$0.node] }
    without.outputs = []
    for (name, drawn) in Interpreter.initialParameters(of: without, seed: 9) {
      #expect(values[name] == drawn)
    }
  }

  @Test("An output that is a constant times 1 stays computed")
  func identity() throws {
    try expect(
      .simplify,
      makes: """
        forward
        %0 = parameter {name "s", axes [], init zeros, state} : f32[]
        %1 = pointwise(%0) {f x0} : f32[]
        return state "s" %1
        """,
      of: """
        forward
        %0 = parameter {name "s", axes [], init zeros, state} : f32[]
        %1 = pointwise(%0) {f x0 * 1.0} : f32[]
        return state "s" %1
        """)
  }
}
