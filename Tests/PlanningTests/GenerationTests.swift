import CompiledModels
import GraphIR
import MoE
import Planning
import Testing

/// Which models keep keys and values from token to token, and why others cannot.
@Suite struct GenerationTests {
  static let keeping = [
    MakeMoE("plain") { ($0.isNoisy, $0.dropout) = (false, 0.1) },
    MakeMoE("quiet") { ($0.isNoisyInEvaluation, $0.dropout) = (false, 0.1) },
    MakeMoE("tied") { ($0.isNoisy, $0.isTied) = (false, true) },
  ]

  @Test("Models whose evaluation leaves nothing to chance keep them", arguments: keeping)
  func keeps(model: MakeMoE) throws {
    let generation = try Pipelines.plan(model.graph()).generation
    #expect(generation.cache != nil, "\(generation.summary)")
    #expect(generation.summary.contains("keys and values are kept"))
  }

  @Test("All ways to write attention keep them", arguments: AttentionModel.Form.allCases)
  func keeps(form: AttentionModel.Form) throws {
    for isLayered in [true, false] {
      let model = AttentionModel(form) { $0.isLayered = isLayered }
      let generation = try Pipelines.plan(model.graph()).generation
      #expect(generation.cache != nil, "\(generation.summary)")
    }
  }

  @Test("What is kept: the logits, and what attention reads and writes")
  func rows() throws {
    let plan = try Pipelines.plan(AttentionModel(.separate).graph())
    let cache = try #require(plan.generation.cache)
    let block = try #require(plan.layers.firstIndex { $0.name == "block" })
    let names = cache.layers[block].saved.map { plan.layers[block].saved[$0].name }
    #expect(Set(names) == ["attention_q", "attention_k", "attention_v", "attention_heads"])
    #expect(cache.layers[block].arguments.isEmpty)
    let output = try #require(plan.layers.firstIndex { $0.name == "output" })
    let kept = cache.layers[output].arguments
    #expect(kept.map { plan.layers[output].forwardArguments[$0].name } == ["logits"])
  }

  @Test("A buffer between layers that is kept in one use is so in all")
  func edges() throws {
    let plan = try Pipelines.plan(AttentionModel(.givenValues).graph())
    let cache = try #require(plan.generation.cache)
    for (layer, rows) in zip(plan.layers, cache.layers) {
      let names = rows.arguments.map { layer.forwardArguments[$0].name }.sorted()
      let expected = ["input": ["y"], "block": ["x", "y"], "output": ["logits", "x"]]
      #expect(names == expected[layer.name], "\(layer.name)")
    }
  }

  static let refusing: [(model: MakeMoE, omitted: Set<String>, reason: String)] = [
    (MakeMoE("noisy"), [], "block.0.mixture draws random numbers in every pass"),
    (
      MakeMoE("full") { ($0.isNoisy, $0.capacity) = (false, 2) }, [],
      "block.0.mixture gives its experts a capacity that all tokens share"
    ),
    (
      MakeMoE("offset") { ($0.isNoisy, $0.hasOffset) = (false, true) }, [],
      "reads a parameter by position"
    ),
    (
      MakeMoE("stepwise") { $0.isNoisy = false }, ["FuseAttention"],
      "block.0.attention multiplies matrices of positions"
    ),
  ]

  @Test("Others say why not", arguments: refusing)
  func refuses(model: MakeMoE, omitted: Set<String>, reason: String) throws {
    try expect(Pipelines.plan(model.graph(), omitting: omitted), reason)
  }

  private func expect(_ plan: Plan, _ reason: String) throws {
    guard case .recomputed(let why) = plan.generation else {
      Issue.record("\(plan.graph.name) should not keep keys and values")
      return
    }
    #expect(why.reason.contains(reason), "\(why)")
    #expect(why.location != nil)
    #expect(plan.summary.contains("the whole window for every token,\n  as \(why)"))
  }

  /// Layers that let a position see others without attention.
  enum Mixing: CaseIterable {
    case linear, softmax, norm, product
  }

  @Test("Positions that meet outside of attention", arguments: Mixing.allCases)
  func mixes(mixing: Mixing) throws {
    let (V, T, B, C) = (MoE.Axis("V", 5), MoE.Axis("T", 6), MoE.Axis("B", 2), MoE.Axis("C", 6))
    let graph = try LanguageModel.trace("mixing", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      return mixed(x, mixing, T).linear("head", V)
    }
    let reason =
      switch mixing {
      case .linear: "reads a parameter by position"
      case .softmax, .norm: "joins positions"
      case .product: "multiplies matrices"
      }
    try expect(Pipelines.plan(graph), reason)
  }

  private func mixed(_ x: Tensor, _ mixing: Mixing, _ T: MoE.Axis) -> Tensor {
    switch mixing {
    case .linear: x.transposed().linear("mix", T).transposed()
    case .softmax: x.transposed().softmax().transposed()
    case .norm: x.transposed().layerNorm("norm").transposed()
    case .product: x.matmul(x.transposed()).matmul(x)
    }
  }

  @Test("Every sample of an op has an answer")
  func samples() throws {
    for sample in OpKind.allSamples {
      #expect(try !Pipelines.plan(sample.graph).generation.summary.isEmpty, "\(sample.name)")
    }
  }
}
