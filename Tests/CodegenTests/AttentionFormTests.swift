import Codegen
import CompiledModels
import GraphIR
import Interpreter
import ModelRuntime
import Testing

/// Attention with fewer heads of keys, windows, caps and sinks, in compiled models.
@Suite struct AttentionFormTests {
  private static let forms: [AttentionModel.Form] = [
    .rotary, .rotaryInterleaved, .turnedByHand, .grouped, .multiQuery, .window, .softCap, .sinks, .all,
  ]

  /// With widths of keys that are no panels of weights, and with some that are.
  static let models =
    forms.map { AttentionModel($0) { ($0.T, $0.B) = (21, 3) } }
    + forms.map { AttentionModel($0) { ($0.T, $0.B, $0.C, $0.heads) = (18, 2, 64, 2) } }

  @Test("Losses and gradients are the interpreter's", arguments: models)
  func agrees(model: AttentionModel) throws {
    let compiled = try CompiledModel(model.graph())
    let found = try Trial(compiled).disagreements(tolerance: 1e-4)
    #expect(found.isEmpty, "\(found)")
  }

  @Test("Parameters have the same bits for any number of threads", arguments: models)
  func threads(model: AttentionModel) throws {
    let compiled = try CompiledModel(model.graph())
    let alone = try parameters(after: 2, compiled, threads: 1)
    for threads in 2...4 {
      #expect(try parameters(after: 2, compiled, threads: threads) == alone, "\(threads) threads")
    }
  }

  private func parameters(
    after steps: Int, _ compiled: CompiledModel, threads: Int
  ) throws -> [[UInt32]] {
    let trial = Trial(compiled)
    let model = try trial.model()
    try model.setThreads(threads)
    for seed in 0..<UInt64(steps) {
      _ = try model.trainStep(
        tokens: trial.tokens, targets: trial.targets,
        with: Hyperparameters(model.manifest.defaults, seed: seed))
    }
    return try model.manifest.parameters.indices.map {
      try model.read(.value, $0).map(\.bitPattern)
    }
  }

  @Test("What is kept from token to token has the heads of keys alone")
  func cache() throws {
    let plan = try Pipelines.plan(AttentionModel(.grouped).graph())
    let cache = try #require(plan.generation.cache)
    let block = try #require(plan.layers.firstIndex { $0.name == "block" })
    var widths: [String: Int] = [:]
    for index in cache.layers[block].saved {
      let buffer = plan.layers[block].saved[index]
      widths[buffer.name] = buffer.type.width
    }
    #expect(
      widths == [
        "attention_q": 48, "attention_k": 24, "attention_v": 24, "attention_heads": 48,
      ])
  }

  @Test("Keys of fewer heads lie beside queries and values, turned where they are")
  func joined() throws {
    let plan = try Pipelines.plan(AttentionModel(.all) { ($0.C, $0.heads) = (64, 2) }.graph())
    let cache = try #require(plan.generation.cache)
    let block = try #require(plan.layers.firstIndex { $0.name == "block" })
    let widths = cache.layers[block].saved.map { plan.layers[block].saved[$0].type.width }
    #expect(widths.sorted() == [64, 128])
    let rotaries = plan.layers[block].forward.filter { $0.op?.kind == .rotary }
    #expect(rotaries.count == 1)
    #expect(rotaries.allSatisfy { $0.inputs[0].place == $0.results[0].place })
  }

  @Test("Models are cut down for checks, and groups stay groups", arguments: models)
  func cutDown(model: AttentionModel) throws {
    for purpose in [CutDownModel.Purpose.gradients, .kernels] {
      let small = try CutDownModel(model.graph(), for: purpose).graph
      let groups = small.nodes.compactMap {
        if case .attention(let op) = $0.op { op.group } else { nil }
      }
      let isGrouped = [.grouped, .multiQuery, .all].contains(model.form)
      #expect(groups.contains { $0 > 1 } == isGrouped, "\(small.symbols)")
      #expect(small.batch.size < 3)
    }
  }

  @Test("Calls in C say what is not plain, and nothing else")
  func code() throws {
    let all = try block(.all)
    #expect(all.contains("general_attention(s->attention_heads, s->attention_maximum,"))
    #expect(all.contains(".key_heads = H2"))
    #expect(all.contains(".window = 9, .cap = 2.0f"))
    #expect(all.contains(".sinks = p->attention_sinks"))
    #expect(all.contains("attention_sink_gradient("))
    let sinks = try block(.sinks)
    #expect(sinks.contains("general_attention("))
    #expect(sinks.contains("causal_attention_gradient("))
    #expect(try !block(.joined).contains("general_attention"))
  }

  private func block(_ form: AttentionModel.Form) throws -> String {
    let plan = try Pipelines.plan(AttentionModel(form).graph())
    let files = GeneratedModel(plan, .init(sourceName: "model.swift")).files
    return try #require(files.first { $0.path == "block.c" }).text
  }
}
