import GraphIR
import Interpreter
import Testing

@testable import Passes

@Suite struct GradientTests {
  @Test(arguments: OpKind.allSamples)
  func gradientsOfEverySampleAreItsSlopes(_ sample: Sample) throws {
    let check = try GradientCheck(try Pass.differentiate.run(sample.graph))
    let names = sample.graph.parameters.map(\.parameter.name)
    #expect(try check.relativeError(of: names) < 1e-6)
    for name in names { #expect(try check.relativeError(of: [name]) < 1e-6, "\(name)") }
    #expect(!(check.allGradientsAreZero && sample.hasGradients))
  }

  @Test(arguments: SmallModel.all)
  func gradientsOfWholeModelsAreTheirSlopes(_ model: SmallModel) throws {
    let graph = model.graph
    let check = try GradientCheck(try Pass.differentiate.run(graph), seed: 2)
    let names = graph.parameters.map(\.parameter.name)
    #expect(try check.relativeError(of: names) < 1e-6)
    for name in names { #expect(try check.relativeError(of: [name]) < 1e-6, "\(name)") }
    #expect(!check.allGradientsAreZero)
  }

  @Test func aWrongGradientIsNoticed() throws {
    var graph = try Pass.differentiate.run(SmallModel.all[0].graph)
    let index = try #require(graph.nodes.lastIndex { $0.op.kind == .layerNormGradient })
    // Mean and rstd change places.
    graph.nodes[index].inputs.swapAt(3, 4)
    let check = try GradientCheck(graph)
    #expect(try check.relativeError(of: graph.parameters.map(\.parameter.name)) > 1e-3)
  }
}
