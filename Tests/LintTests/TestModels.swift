import GraphIR
import MoE
import Passes
import Planning

@testable import Lint

typealias Axis = MoE.Axis

/// A small model with a part that a test chooses.
struct TestModel {
  var (V, T, B, C, E) = (Axis("V", 11), Axis("T", 6), Axis("B", 3), Axis("C", 8), Axis("E", 4))

  /// Text to logits.
  var body: (TestModel, Text) -> Tensor

  init(_ body: @escaping (TestModel, Text) -> Tensor) { self.body = body }

  /// A model around a function from [B, T, C] to the same.
  static func around(_ middle: @escaping (TestModel, Tensor) -> Tensor) -> TestModel {
    TestModel { m, text in
      middle(m, text.tokens.embedding("token", m.C)).linear("head", m.V)
    }
  }

  /// A model around a mixture with a router of its own.
  static func routed(
    capacity: Capacity? = nil, _ router: @escaping (TestModel, Tensor) -> Routing
  ) -> TestModel {
    around { m, x in
      let routing = router(m, x)
      let rows = capacity.map { x.routed(by: routing, capacity: $0) } ?? x.routed(by: routing)
      return x + rows.linear("expert", m.C).combined()
    }
  }

  func graph() throws -> Graph {
    try LanguageModel.trace("test", vocabulary: V, context: T, batch: B) { body(self, $0) }
  }

  /// What the linter says; evaluation is free unless a test gives its cost.
  func lint(
    source: String = "", helpers: [ModelSource.File] = [], evaluationBatches: Int = 0,
    _ rules: [Rule] = Rule.allCases
  ) throws -> LintReport {
    let traced = try graph()
    let graph = try Pipeline().run(traced)
    let forward = graph.flops(.forward)
    let work = Subject.Work(
      forward: forward, step: forward + graph.flops(.backward), evaluationInterval: 100,
      evaluationBatches: evaluationBatches)
    return Linter(rules).lint(
      Subject(traced, transformed: graph, work: work),
      source: ModelSource(source, helpers: helpers))
  }
}

/// Attention with its parts written out.
func writtenAttention(
  _ m: TestModel, _ x: Tensor, scale: Double, masked: Bool = true
) -> Tensor {
  let q = x.linear("query", m.C).heads(2)
  let k = x.linear("key", m.C).heads(2)
  let v = x.linear("value", m.C).heads(2)
  let scores = q.matmul(k.transposed()) * scale
  return (masked ? scores.causalMasked() : scores).softmax().matmul(v).mergedHeads()
}

func fusedAttention(_ m: TestModel, _ x: Tensor, scale: Double?) -> Tensor {
  let parts = ["query", "key", "value"].map { x.linear($0, m.C).heads(2) }
  return attention(parts[0], parts[1], parts[2], scale: scale).mergedHeads()
}

/// Attention whose queries are scaled before they meet the keys.
func scaledQueries(_ m: TestModel, _ x: Tensor, by scale: Double) -> Tensor {
  let parts = ["query", "key", "value"].map { x.linear($0, m.C).heads(2) }
  let scores = (parts[0] * scale).matmul(parts[1].transposed())
  return scores.causalMasked().softmax().matmul(parts[2]).mergedHeads()
}
