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
