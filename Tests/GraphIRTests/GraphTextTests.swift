import Testing

@testable import GraphIR

@Suite("The graph's text form")
struct GraphTextTests {
  @Test(
    "Every sample prints and parses back to an equal graph, and prints the same again",
    arguments: OpKind.allSamples)
  func roundTrip(sample: Sample) throws {
    let parsed = try Graph(parsing: sample.graph.text)
    #expect(parsed == sample.graph)
    #expect(parsed.text == sample.graph.text)
  }

  @Test("Everything that a graph can hold survives")
  func unusual() throws {
    var graph = Graph.small
    graph.name = "quotes \" and \\ and\ttabs, ünïcödé 🦉"
    graph.vocabularyLocation = SourceLocation(file: "my models/a:b.swift", line: 4, column: 9)
    graph.optimizer = .adamW(
      learningRate: 0.1 + 0.2, epsilon: .leastNonzeroMagnitude, weightDecay: 1.7e308)
    graph.nodes[2].scope = "a\nb\u{1}"
    graph.nodes[2].location = SourceLocation(file: "", line: 0, column: 0)
    graph.nodes[4].location = SourceLocation(file: "Models/x-1.swift", line: 12, column: 3)
    graph.setInitializer(.xavierUniform(fanIn: 3, fanOut: 4))
    graph.setOp(6, .route(Route(experts: Axis("E", 3), capacity: Capacity(factor: 1))))
    graph.setExpression(14, .constant(1.0 / 3) * .input(0))
    graph.outputs.append(.init(.gradient(parameter: "odd \" name"), Value(node: 17, result: 1)))
    #expect(try Graph(parsing: graph.text) == graph)
  }

  @Test("Axes written with factors, divisors and offsets parse back to equal axes")
  func axes() throws {
    let (C, D) = (Axis("C", 12), Axis("e5", 6))
    let axes = [4 * C, C / 4, 2 * C / 3, C * D, 4 * D, C.plusOne, Axis(constant: 16), C / 4 * 4]
    var builder = GraphBuilder(
      Graph(name: "axes", vocabulary: 2 * C, context: Axis(constant: 3), batch: C / 2))
    for (index, axis) in axes.enumerated() {
      let parameter = Parameter(name: "p\(index)", axes: [axis, C], initializer: .ones)
      _ = try builder.apply(.parameter(parameter), [])
    }
    #expect(try Graph(parsing: builder.graph.text) == builder.graph)
    #expect(builder.graph.text.contains("vocabulary 2C\n"))
    #expect(builder.graph.text.contains("axes [2C/3, C]"))
  }

  @Test("Comments, empty lines and spaces do no harm")
  func comments() throws {
    let text = Graph.small.text
      .split(separator: "\n").map { "  \($0)  # as printed\r" }.joined(separator: "\n\n")
    #expect(try Graph(parsing: "# a model\n\n" + text) == Graph.small)
  }

  @Test("A graph without nodes is a header")
  func empty() throws {
    let graph = Graph(
      name: "none", vocabulary: Axis("V", 2), context: Axis("T", 3), batch: Axis("B", 4))
    #expect(
      graph.text == """
        graph "none"
        axis B 4
        axis T 3
        axis V 2
        batch B
        context T
        vocabulary V
        optimizer adamW learningRate 0.001 beta1 0.9 beta2 0.999 epsilon 1e-08 weightDecay 0.01

        """)
    #expect(try Graph(parsing: graph.text) == graph)
  }
}
