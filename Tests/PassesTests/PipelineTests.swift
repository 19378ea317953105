import CompiledModels
import GraphIR
import Interpreter
import Testing

@testable import Passes

@Suite struct PipelineTests {
  private static let optional = Set(Pipeline.standard.filter { !$0.isRequired }.map(\.name))

  @Test(arguments: OpKind.allSamples)
  func passesKeepTheNumbersOfEverySample(_ sample: Sample) throws {
    try expectSameNumbers(sample.graph)
  }

  @Test(arguments: MakeMoE.allSmall)
  func passesKeepTheNumbersOfWholeModels(_ model: MakeMoE) throws {
    try expectSameNumbers(model.graph())
  }

  @Test(arguments: MakeMoE.allSmall, optional.sorted())
  func eachPassCanBeLeftOut(_ model: MakeMoE, _ name: String) throws {
    try expectSameNumbers(model.graph(), omitting: [name])
  }

  /// Loss and gradients with some passes against those with none.
  private func expectSameNumbers(_ graph: Graph, omitting omitted: Set<String> = []) throws {
    let plain = try run(graph, omitting: Self.optional)
    let optimized = try run(graph, omitting: omitted)
    let loss = try #require(plain.loss)
    #expect(abs(try #require(optimized.loss) - loss) <= 1e-12 * max(abs(loss), 1))
    for (_, parameter) in graph.parameters {
      let expected = plain.gradient(of: parameter.name)
      let given = optimized.gradient(of: parameter.name)
      #expect((expected == nil) == (given == nil), "\(parameter.name)")
      let scale = (expected ?? []).reduce(1e-3) { max($0, abs($1)) }
      let error = zip(expected ?? [], given ?? []).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(error <= 1e-12 * scale, "\(parameter.name)")
    }
  }

  private func run(_ graph: Graph, omitting omitted: Set<String>) throws -> Run {
    let compiled = try Pipeline().run(graph, options: PipelineOptions(omitted: omitted))
    return try Interpreter.onRandomTokens(compiled).run()
  }

  @Test func theWholePipelineLeavesNothingToSimplify() throws {
    for model in MakeMoE.allSmall {
      let graph = try Pipeline().run(model.graph())
      for pass in Pipeline.standard where !pass.isRequired {
        #expect(try pass.thenDropUnused.run(graph) == graph, "\(pass.name)")
      }
      #expect(!graph.nodes.contains { [.splitHeads, .mergeHeads].contains($0.op.kind) })
    }
  }

  @Test func layersStayEqual() throws {
    let model = MakeMoE.small { $0.depth = 4 }
    let graph = try Pipeline().run(model.graph())
    let shapes = (0..<model.depth).map { layer in
      graph.nodes.filter { $0.layer?.scope == "block.\(layer)" }.map { node in
        "\(node.op.kind) \(node.types) \(node.scope.dropFirst("block.0".count)) \(node.phase)"
      }
    }
    // The first and the last layer differ in what surrounds them, not in what they are.
    for layer in shapes { #expect(layer == shapes[0]) }
  }

  @Test func everyStepIsObservedInOrder() throws {
    var reports: [PassReport] = []
    let model = MakeMoE.small { $0.isFused = true }
    let options = PipelineOptions(omitted: ["ShareCommon"])
    let graph = try Pipeline().run(model.graph(), options: options) { reports.append($0) }
    #expect(
      reports.map(\.name) == [
        "FuseAttention", "Simplify", "FuseGates", "DropUnused", "Differentiate", "Simplify",
        "FusePointwise", "DropUnused",
      ])
    #expect(reports.map(\.changed) == [false, true, false, true, true, true, true, true])
    #expect(reports.last?.graph == graph)
    #expect(reports.allSatisfy { $0.seconds >= 0 })
  }

  @Test func unknownPassesAreListedAndRequiredOnesStay() throws {
    let graph = try MakeMoE.small().graph()
    let unknown = #expect(throws: Diagnostic.self) {
      try Pipeline().run(graph, options: PipelineOptions(omitted: ["Nonsense"]))
    }
    #expect(unknown?.message.contains("Nonsense") == true)
    #expect(unknown?.hint?.contains("FuseAttention, Simplify, FuseGates, DropUnused, Diff") == true)
    #expect(throws: Diagnostic.self) {
      try Pipeline().run(graph, options: PipelineOptions(omitted: ["Differentiate"]))
    }
  }

  @Test func aGraphThatAPassBreaksIsABugOfThePass() throws {
    let breaking = Pass("Break", "breaks a type") { graph in
      var graph = graph
      graph.nodes[graph.nodes.count - 1].types = []
      return graph
    }
    let error = #expect(throws: Diagnostic.self) {
      try Pipeline([breaking]).run(MakeMoE.small().graph())
    }
    #expect(error?.message.hasPrefix("after Break: ") == true)
  }

  @Test func theResultPrintsAndParses() throws {
    for model in MakeMoE.allSmall {
      let graph = try Pipeline().run(model.graph())
      #expect(try Graph(parsing: graph.text).text == graph.text)
    }
  }
}
