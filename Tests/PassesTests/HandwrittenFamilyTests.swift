import CompiledModels
import GraphIR
import Interpreter
import Testing

@testable import Passes

/// A whole model of functions written by hand beside the same of those that are built in.
@Suite struct HandwrittenFamilyTests {
  private static let omissions = [[], PipelineOptions.reference.omitted] as [Set<String>]

  /// A run with its gradients, no parameter of which is the same throughout.
  private func run(_ model: MixtralModel, omitting: Set<String>) throws -> Run {
    let options = PipelineOptions(omitted: omitting)
    var interpreter = Interpreter.onRandomTokens(try Pipeline().run(model.graph(), options: options))
    interpreter.parameters = interpreter.parameters.mapValues { numbers in
      numbers.enumerated().map { $1 + 0.1 * Double($0 % 5) }
    }
    return try interpreter.run()
  }

  @Test(
    "Norm, rotary positions and Mixtral's router by hand are those built in, in values and gradients",
    arguments: omissions)
  func agrees(omitting: Set<String>) throws {
    let (builtIn, written) = (MixtralModel(isWritten: false), MixtralModel(isWritten: true))
    let names = try [builtIn, written].map { try $0.graph().parameters.map(\.parameter.name) }
    #expect(names[0].sorted() == names[1].sorted())
    let runs = try [builtIn, written].map { try run($0, omitting: omitting) }
    #expect(distance(runs.map(\.logits)) < 1e-9)
    for name in names[0] {
      #expect(distance(runs.map { $0.gradient(of: name) }) < 1e-9, "\(name)")
    }
  }

  @Test("Gradients of functions of positions are slopes", arguments: omissions)
  func slopes(omitting: Set<String>) throws {
    let graph = try MixtralModel(isWritten: true).graph()
    let results = try GradientCheck(
      Pipeline().run(graph, options: PipelineOptions(omitted: omitting))
    ).results()
    #expect(results.count == graph.parameters.count)
    #expect(results.allSatisfy { $0.isRight && !$0.isZero }, "\(results)")
  }

  /// How far two lists are apart at most, relative to the largest number.
  private func distance(_ lists: [[Double]?]) -> Double {
    guard let a = lists[0], let b = lists[1], a.count == b.count else { return .infinity }
    let largest = a.map { abs($0) }.max() ?? 0
    return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / Swift.max(largest, 1e-3)
  }
}
