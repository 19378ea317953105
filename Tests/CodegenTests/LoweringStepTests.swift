import Comparison
import CompiledModels
import Lowering
import Planning
import Testing

/// Each lowering step is an improvement and no more: without it the C computes the same.
@Suite struct LoweringStepTests {
  private static let model = MakeMoE("small") {
    ($0.C, $0.heads, $0.dropout, $0.depth) = (16, 2, 0.1, 2)
  }

  /// Every step alone, and all of them.
  private static let omitted: [[String]] =
    LoweringPipeline.steps.map { [$0.name] } + [LoweringPipeline.steps.map(\.name)]

  @Test("The C without a lowering step agrees with the interpreter", arguments: omitted)
  func leftOut(steps: [String]) throws {
    let compiled = try CompiledModel(Self.model.graph(), steps: Set(steps))
    let whole = try Pipelines.plan(Self.model.graph())
    #expect(compiled.plan.layers != whole.layers, "\(steps) changed nothing")
    let trial = Trial(compiled.reference, compiled.library, seed: 3)
    let report = try #require(
      try Comparison(compiled.reference, compiled.library, seed: 3).report())
    #expect(report.wrong.isEmpty, "\(report.wrong)")
    #expect(report.compared > 20)
    #expect(try trial.disagreements(tolerance: 1e-4).isEmpty)
  }

  @Test("Without UpdateInBackward no weight is updated there")
  func updates() throws {
    let graph = try Pipelines.transformed(Self.model.graph())
    let plan = try Plan(graph, omitting: ["UpdateInBackward"])
    #expect(plan.parameters.allSatisfy { $0.update == .adamW })
    #expect(try Plan(graph).parameters.filter { $0.update == .adamWInBackward }.count > 10)
  }
}
