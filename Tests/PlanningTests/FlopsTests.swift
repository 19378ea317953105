import CompiledModels
import GraphIR
import Passes
import Testing

@testable import Planning

/// Operations are counted in one place; whatever adds them up another way comes to the same.
@Suite struct FlopsTests {
  @Test("Layers, times their uses, add up to the graph", arguments: [Phase.forward, .backward])
  func layersAddUp(phase: Phase) throws {
    let layered = try LayeredModel.Form.allCases.map {
      ($0.rawValue, try Pipelines.plan(LayeredModel($0).graph()))
    }
    let inParts = Pipeline(Pipeline.standard(expertRanks: 1, logitsAtOnce: 16))
    let parts = ("parts", try Plan(inParts.run(PlanTests.models[0].graph())))
    for (name, plan) in PlanTests.plans.map({ ($0.name, $0.plan) }) + layered + [parts] {
      let sum = plan.uses.reduce(0) { $0 + plan.layers[$1.layer].flops(phase) }
      #expect(sum == plan.graph.flops(phase), "\(name)")
      let products = plan.uses.flatMap {
        phase == .forward ? plan.layers[$0.layer].forward : plan.layers[$0.layer].backward
      }.filter { $0.purpose != .logits }.reduce(0) { $0 + $1.cost.productFlops }
      #expect(products == plan.graph.cost(phase).productFlops, "\(name)")
    }
  }

  /// Three weights side by side, their parts of one tensor, a last step: B = 16, T = 32, C = 128, H = 8.
  @Test("A joined product is three, attention reads its own third, a last step counts")
  func joined() throws {
    let plan = try Pipelines.plan(PlanTests.models[0].graph())
    let calls = plan.layers[1].forward
    let (rows, c, t, heads) = (16 * 32, 128, 32, 8)
    let projections = try #require(calls.first { $0.kernel.isJoined })
    #expect(projections.cost.flops == 3 * 2 * rows * c * c)
    let attention = try #require(
      calls.first { $0.op?.kind == .attention })
    #expect(attention.kernel.isJoined)
    #expect(attention.cost.productFlops == 2 * rows * c * (t + 1))
    #expect(attention.cost.flops == 2 * rows * c * (t + 1) + 5 * rows * heads * (t + 1) / 2)
    let finished = try #require(calls.first { $0.kernel.finish != nil && $0.cost.productFlops > 0 })
    #expect(finished.cost.flops == finished.cost.productFlops + 2 * rows * c)
  }

  @Test("The summary's table and the line below it agree")
  func summary() throws {
    let plan = try Pipelines.plan(PlanTests.models[0].graph())
    let rows = plan.summary.split(separator: "\n").map { $0.split(separator: " ") }
    let table = rows.filter { $0.count == 6 && Int($0[1]) != nil }
    let sum = table.reduce(0.0) { $0 + Self.number($1[1]) * Self.number($1[3]) }
    let line = try #require(rows.first { $0.first == "FLOPs:" })
    let forward = Self.number(line[2])
    #expect(forward > 0)
    #expect(table.count == 3)
    #expect(abs(sum - forward / 1e6) < 0.05 * 10, "\(sum) \(forward)")
  }

  /// `1,234.5` and `1,234,` alike.
  private static func number(_ text: Substring) -> Double {
    Double(String(text.filter { $0 != "," })) ?? 0
  }
}
