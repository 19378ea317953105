import CompiledModels
import GraphIR
import Interpreter
import Testing

@testable import Passes

/// What a compiled model does as a whole, in double precision.
@Suite struct WholeModelTests {
  /// A prefix of one sequence has the logits that it has in the whole sequence: nothing looks ahead.
  @Test(arguments: MakeMoE.allSmall.filter { $0.capacity == nil })
  func logitsDependOnNothingLater(_ model: MakeMoE) throws {
    let graph = try Pipeline().run(model.graph())
    let tokens: [Int32] = [3, 1, 4, 1, 5]
    let whole = try logits(graph, tokens)
    for length in 1..<tokens.count {
      let prefix = try logits(graph, Array(tokens.prefix(length)))
      #expect(prefix.count == length * model.V)
      #expect(zip(prefix, whole).allSatisfy { abs($0 - $1) < 1e-12 })
    }
    #expect(try logits(graph, [2, 1, 4, 1, 5]).suffix(7) != whole.suffix(7))
  }

  private func logits(_ graph: Graph, _ tokens: [Int32]) throws -> [Double] {
    let interpreter = Interpreter(
      graph, mode: .evaluation, seed: 4, tokens: tokens, sequences: 1, length: tokens.count)
    return try #require(try interpreter.run([.logits]).logits)
  }

  @Test func evaluationRepeatsItselfAndTrainingFollowsTheSeed() throws {
    let graph = try Pipeline().run(MakeMoE.small("seeds").graph())
    var interpreter = Interpreter.onRandomTokens(graph)
    let first = try interpreter.run([.loss]).loss
    #expect(try interpreter.run([.loss]).loss == first)
    interpreter.mode = .evaluation
    let evaluated = try interpreter.run([.loss]).loss
    #expect(evaluated != first)
    // The router's noise stays on in evaluation.
    interpreter.seed += 1
    #expect(try interpreter.run([.loss]).loss != evaluated)
  }

  @Test(arguments: MakeMoE.allSmall)
  func trainingLearnsABatchByHeart(_ model: MakeMoE) throws {
    var graph = try Pipeline().run(model.graph())
    graph.optimizer.learningRate = 0.02
    var interpreter = Interpreter.onRandomTokens(graph)
    var optimizer = AdamWReference(graph, parameters: interpreter.parameters)
    var losses: [Double] = []
    for step in 0..<40 {
      interpreter.seed = UInt64(step)
      interpreter.parameters = optimizer.parameters
      let run = try interpreter.run()
      losses.append(try #require(run.loss))
      optimizer.step(run)
    }
    let (first, last) = (losses.prefix(5).reduce(0, +), losses.suffix(5).reduce(0, +))
    #expect(last < 0.7 * first, "\(losses)")
  }
}
