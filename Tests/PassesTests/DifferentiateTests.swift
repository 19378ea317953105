import GraphIR
import Testing

@testable import Passes

@Suite struct DifferentiateTests {
  @Test(arguments: OpKind.allSamples)
  func everyParameterThatMattersGetsAGradientOfItsOwnType(_ sample: Sample) throws {
    let graph = try Pass.differentiate.run(sample.graph)
    let expected = sample.graph.parameters.map(\.parameter.name)
    let given = graph.outputs.compactMap { binding in
      if case .gradient(let name) = binding.output { name } else { nil }
    }
    if sample.hasGradients { #expect(!given.isEmpty) }
    #expect(given == expected.filter(given.contains))
    for (node, parameter) in graph.parameters {
      guard let gradient = graph[.gradient(parameter: parameter.name)] else { continue }
      #expect(graph.type(of: gradient) == graph.nodes[node].types[0])
    }
  }

  @Test func backwardNodesComeFromTheNodeWhoseGradientTheyAre() throws {
    let graph = try Pass.differentiate.run(Self.residual)
    let backward = graph.nodes.filter { $0.phase == .backward }
    #expect(graph.nodes.prefix(Self.residual.nodes.count) == Self.residual.nodes[...])
    #expect(backward.map(\.scope) == ["loss", "loss", "bend", "bend"])
    #expect(backward.map(\.op.mnemonic) == ["pointwise", "pointwise", "pointwise", "pointwise"])
  }

  /// loss = sum of x + tanh(x): x has two uses.
  static let residual = {
    let C = Axis("C", 3)
    var g = GraphBuilder(
      Graph(name: "residual", vocabulary: C, context: C, batch: C))
    let x = g.emitOne(.parameter(Parameter(name: "x", axes: [C], initializer: .ones)), [])
    g.scope = "bend"
    let bent = g.pointwise(.unary(.tanh, .input(0)), [x])
    g.scope = "join"
    let joined = g.add(x, bent)
    g.scope = "loss"
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [joined]))
    return g.graph
  }()

  @Test func aParameterWithoutInfluenceHasNoGradient() throws {
    var g = GraphBuilder(Self.residual)
    let C = Axis("C", 3)
    _ = g.emitOne(.parameter(Parameter(name: "idle", axes: [C], initializer: .ones)), [])
    let graph = try Pass.differentiate.run(g.graph)
    #expect(graph[.gradient(parameter: "idle")] == nil)
    #expect(graph[.gradient(parameter: "x")] != nil)
  }

  /// loss = sum of x + (y - y) + step(z): y's gradient is 0, and z has none.
  @Test("A gradient that cancels is 0, whatever passes are left out", arguments: [true, false])
  func cancelled(isSimplified: Bool) throws {
    let C = Axis("C", 3)
    var g = GraphBuilder(Graph(name: "cancelled", vocabulary: C, context: C, batch: C))
    let parameters = ["x", "y", "z"].map {
      g.emitOne(.parameter(Parameter(name: $0, axes: [C], initializer: .ones)), [])
    }
    let none = g.pointwise(.input(0) - .input(1), [parameters[1], parameters[1]])
    let step = g.pointwise(.unary(.step, .input(0)), [parameters[2]])
    let all = g.add(g.add(parameters[0], none), step)
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [all]))
    let omitted: Set<String> = isSimplified ? [] : ["Simplify"]
    let graph = try Pipeline().run(g.graph, options: PipelineOptions(omitted: omitted))
    let given = ["x", "y", "z"].map { graph[.gradient(parameter: $0)] != nil }
    #expect(given == [true, true, false])
  }

  @Test func aGraphWithoutLossIsAnError() {
    var graph = Self.residual
    graph.outputs = []
    #expect(throws: Diagnostic.self) { try Pass.differentiate.run(graph) }
  }

  @Test func differentiatingTwiceIsAnError() throws {
    let once = try Pass.differentiate.run(Self.residual)
    #expect(throws: Diagnostic.self) { try Pass.differentiate.run(once) }
  }
}
