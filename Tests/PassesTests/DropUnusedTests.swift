import GraphIR
import Testing

@testable import Passes

@Suite struct DropUnusedTests {
  @Test func onlyParametersAndWhatTheCallerGivesStayWithoutUse() throws {
    let axis = Axis("C", 3)
    var g = GraphBuilder(Graph(name: "unused", vocabulary: axis, context: axis, batch: axis))
    for kind in Input.Kind.allCases { _ = g.emitOne(.input(Input(kind, [axis])), []) }
    let x = g.emitOne(.parameter(Parameter(name: "x", axes: [axis], initializer: .ones)), [])
    _ = g.add(x, x)
    let used = g.pointwise(.unary(.exp, .input(0)), [x])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [used]))

    let graph = try Pass.dropUnused.run(g.graph)
    #expect(
      graph.nodes.map(\.op.mnemonic)
        == ["input", "input", "input", "parameter", "pointwise", "sum"])
    #expect(graph.nodes[4].inputs == [Value(node: 3)])
    #expect(graph[.loss] == Value(node: 5))
  }

  @Test(arguments: OpKind.allSamples)
  func whatIsLeftIsUsed(_ sample: Sample) throws {
    let graph = try Pass.dropUnused.run(try Pass.differentiate.run(sample.graph))
    let used = Set(graph.useCounts.keys.map(\.node))
    for (index, node) in graph.nodes.enumerated() where node.op.kind != .parameter {
      #expect(used.contains(index) || node.op.kind == .input)
    }
    #expect(try Pass.dropUnused.run(graph) == graph)
  }
}
