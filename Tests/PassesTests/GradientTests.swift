import CompiledModels
import GraphIR
import Interpreter
import Testing

@testable import Passes

@Suite struct GradientTests {
  /// All parameters have the gradients that differences give, and those without one change nothing.
  private func expectSlopes(_ traced: Graph, seed: UInt64 = 1) throws -> [GradientCheck.Result] {
    let graph = try Pass.differentiate.run(traced)
    let results = try GradientCheck(graph, seed: seed).results()
    for result in results { #expect(result.relativeError < 1e-6, "\(result.parameter)") }
    for name in traced.parameters.map(\.parameter.name)
    where !results.contains(where: { $0.parameter == name }) {
      var interpreter = Interpreter.onRandomTokens(graph, seed: seed)
      let loss = try interpreter.run([.loss]).loss
      interpreter.parameters[name] = interpreter.parameters[name]?.map { $0 + 1e-6 }
      #expect(try interpreter.run([.loss]).loss == loss, "\(name)")
    }
    return results
  }

  @Test(arguments: OpKind.allSamples)
  func gradientsOfEverySampleAreItsSlopes(_ sample: Sample) throws {
    let results = try expectSlopes(sample.graph)
    let areZero = results.allSatisfy(\.isZero)
    #expect(!(areZero && sample.hasGradients))
  }

  @Test(arguments: MakeMoE.allSmall)
  func gradientsOfWholeModelsAreTheirSlopes(_ model: MakeMoE) throws {
    let results = try expectSlopes(model.graph(), seed: 2)
    let areZero = results.allSatisfy(\.isZero)
    #expect(!areZero)
  }

  @Test func aWrongGradientIsNoticed() throws {
    var graph = try Pass.differentiate.run(MakeMoE.allSmall[0].graph())
    let index = try #require(graph.nodes.lastIndex { $0.op.kind == .layerNormGradient })
    // Mean and rstd change places.
    graph.nodes[index].inputs.swapAt(3, 4)
    let errors = try GradientCheck(graph).results().map(\.relativeError)
    #expect((errors.max() ?? 0) > 1e-3)
  }
}
