import Testing

@testable import GraphIR

/// The objective, its terms and states, in text and before the verifier.
@Suite struct ObjectiveTests {
  /// loss = Σ a², terms of a and of a state; the state becomes a and itself.
  static let text = """
    graph "terms"
    axis B 2
    axis T 3
    axis V 7
    axis C 4
    batch B
    context T
    vocabulary V
    optimizer adamW learningRate 0.001 beta1 0.9 beta2 0.999 epsilon 1e-08 weightDecay 0.01
    forward
    %0 = parameter {name "a", axes [C], init normal(1.0)} : f32[C]
    %1 = parameter {name "s", axes [C], init constant(0.25), undecayed, state} : f32[C]
    %2 = pointwise(%0) {f x0 * x0} : f32[C]
    %3 = sum(%2) {to []} : f32[]
    %4 = pointwise(%0, %1) {f x0 * x1} : f32[C]
    %5 = sum(%4) {to []} : f32[]
    %6 = sum(%0) {to []} : f32[]
    %7 = pointwise(%3, %5, %6) {f x0 + 0.5 * x1 - 2.0 * x2} : f32[]
    %8 = pointwise(%0, %1) {f 0.9 * x1 + 0.1 * x0} : f32[C]
    return loss %3
    return term "product" weight 0.5 %5
    return term "sum" weight -2.0 %6
    return term "shown" weight 0.0 %6
    return objective %7
    return state "s" %8

    """

  static let graph: Graph = {
    do {
      return try Graph(parsing: text)
    } catch {
      Issue.record(error)
      return .small
    }
  }()

  @Test func textPrintsAndParses() throws {
    try Verifier.verify(Self.graph)
    #expect(Self.graph.text == Self.text)
    #expect(Self.graph.terms.map(\.name) == ["product", "sum", "shown"])
    #expect(Self.graph.terms.map(\.weight) == [0.5, -2, 0])
    #expect(Self.graph.differentiated == Value(node: 7))
    #expect(Graph.small.differentiated == Value(node: 17))
  }

  @Test func statesComeAfterAllLearnedParametersInNumber() {
    var graph = Self.graph
    graph.nodes.swapAt(0, 1)
    #expect(graph.parameterNumbers == [0: 1, 1: 0])
  }

  private static func bad(
    _ name: String, _ expected: String, _ change: (inout Graph) -> Void
  ) -> BadGraph {
    var bad = BadGraph(name, expected) { $0 = graph }
    change(&bad.graph)
    return bad
  }

  static let badGraphs = [
    bad("no rule", "the state \"s\" has no rule") { $0.outputs.removeLast() },
    bad("two rules", "state \"s\" is returned twice") { $0.outputs.append($0.outputs[5]) },
    bad("rule of nothing", "state \"x\": no such state") { $0.outputs[5].output = .state("x") },
    bad("rule of a learned one", "state \"a\": no such state") {
      $0.outputs[5].output = .state("a")
    },
    bad("rule's type", "state \"s\" must be f32[C], but %6 is f32[]") {
      $0.outputs[5].value = Value(node: 6)
    },
    bad("gradient of a state", "gradient \"s\": no such parameter") {
      $0.outputs.append(.init(.gradient(parameter: "s"), Value(node: 8)))
    },
    bad("term with axes", "term \"product\" weight 0.5 must be f32[], but %4 is f32[C]") {
      $0.outputs[1].value = Value(node: 4)
    },
    bad("term without a name", "a term has no name") {
      $0.outputs[1].output = .term(name: "", weight: 0.5)
    },
    bad("term's name", "the term's name \"\\u{7}\" holds a control character") {
      $0.outputs[1].output = .term(name: "\u{7}", weight: 0.5)
    },
    bad("two terms of a name", "two terms are named \"sum\"") {
      $0.outputs[1].output = .term(name: "sum", weight: 0.5)
    },
    bad("weight", "the weight of term \"shown\" cannot be inf") {
      $0.outputs[3].output = .term(name: "shown", weight: .infinity)
    },
    bad("another weight", "the objective's slope by %5 is 0.5, expected 0.25") {
      $0.outputs[1].output = .term(name: "product", weight: 0.25)
    },
    bad("no objective", "there are weighted terms, but no objective") { $0.outputs.remove(at: 4) },
    bad("objective without a loss", "there is an objective, but no loss") {
      $0.outputs.remove(at: 0)
    },
    bad(
      "objective of something else", "the objective %3 is no sum of the loss and the weighted terms"
    ) { $0.outputs[4].value = Value(node: 3) },
    bad("objective that bends", "the objective's slope by %3 is nan, expected 1.0") {
      $0.setExpression(
        7, .input(0) * .input(0) + .constant(0.5) * .input(1) - .constant(2) * .input(2))
    },
  ]

  @Test("Each broken invariant is named", arguments: badGraphs)
  func namesWhatIsWrong(_ bad: BadGraph) {
    do {
      try Verifier.verify(bad.graph)
      Issue.record("verified, expected: \(bad.expected)")
    } catch {
      #expect(error.message == bad.expected)
    }
  }

  @Test("Two terms of one value add up, also where their sum is not exact")
  func sharedValue() throws {
    var graph = Self.graph
    graph.outputs[1] = .init(.term(name: "product", weight: 0.1), Value(node: 6))
    graph.outputs[2] = .init(.term(name: "sum", weight: 0.2), Value(node: 6))
    graph.nodes[7].inputs = [Value(node: 3), Value(node: 6)]
    graph.setExpression(7, .input(0) + .constant(0.3) * .input(1))
    try Verifier.verify(graph)
  }
}
