import GraphIR
import Interpreter
import MoE
import Passes
import Testing

/// Documents in one row: each is computed as if it stood alone at the beginning of a row.
@Suite struct MaskDocumentsTests {
  private typealias Axis = MoE.Axis
  private static let (V, T, B, C) = (Axis("V", 7), Axis("T", 12), Axis("B", 2), Axis("C", 8))
  private static let pipeline = Pipeline(Pipeline.standard(expertRanks: 1, documents: true))

  /// A model of one block, whose attention gives the width of what it gets.
  private static func traced(
    positions: Bool = false, _ attend: @escaping (Tensor, MoE.Text) -> Tensor
  ) throws -> Graph {
    try LanguageModel.trace(
      "packed", vocabulary: V, context: T, batch: B, linearWeights: .normal(0.5)
    ) { text in
      var x = text.tokens.embedding("token", C)
      if positions { x = x + text.positions.embedding("position", C) }
      return (x + attend(x.layerNorm("norm"), text)).linear("head", V)
    }
  }

  private static func projected(_ x: Tensor, _ name: String) -> Tensor {
    x.linear(name, C).heads(2)
  }

  /// Scores of all positions for each other.
  private static func scores(_ x: Tensor, _ turn: (Tensor) -> Tensor = { $0 }) -> Tensor {
    turn(projected(x, "q")).matmul(turn(projected(x, "k")).transposed()) * 0.5
  }

  private static let models: [String: @Sendable () throws -> Graph] = [
    "attention": {
      try traced { x, _ in
        attention(projected(x, "q"), projected(x, "k"), projected(x, "v")).mergedHeads()
      }
    },
    "positions, a window, a cap and sinks": {
      try traced(positions: true) { x, _ in
        attention(
          projected(x, "q"), projected(x, "k"), projected(x, "v"), window: 3, softCap: 2,
          sinks: parameter("sinks", Axis("H", 2), initial: .normal(1))
        ).mergedHeads()
      }
    },
    "rotary": {
      try traced { x, _ in
        attention(projected(x, "q").rotary(), projected(x, "k").rotary(), projected(x, "v"))
          .mergedHeads()
      }
    },
    "rotary, step by step": {
      try traced { x, _ in
        scores(x) { $0.rotary() }.causalMasked().softmax().dropout(0.1)
          .matmul(projected(x, "v")).mergedHeads()
      }
    },
    "turned by hand": {
      try traced { x, text in
        let D = Axis("D", 4)
        let turns = (D.indices() * -0.7).exp()
        let angles = text.positions.numbers(over: D) * turns
        let q = projected(x, "q") * angles.cos() + angles.sin()
        return attention(q, projected(x, "k"), projected(x, "v")).mergedHeads()
      }
    },
    "a bias by distance": {
      try traced { x, text in
        let queries = text.positions.numbers(over: T)
        let distance = (queries - T.indices()) * -0.3
        let masked = (scores(x) + distance).causalMasked()
        return masked.softmax().matmul(projected(x, "v")).mergedHeads()
      }
    },
    "two softmaxes": {
      try traced(positions: true) { x, _ in
        let first = scores(x).causalMasked().softmax()
        let other = (projected(x, "p").matmul(projected(x, "o").transposed())).causalMasked()
        return (first - other.softmax() * 0.4).matmul(projected(x, "v")).mergedHeads()
      }
    },
    "experts": {
      try traced(positions: true) { x, _ in
        let routing = x.linear("gate", Axis("E", 3)).top(2).softmax().balanced(0.1)
        let y = attention(projected(x, "q"), projected(x, "k"), projected(x, "v")).mergedHeads()
        return y + x.routed(by: routing).linear("up", C).relu().combined()
      }
    },
  ]

  private static func model(_ name: String) throws -> Graph {
    let make = try #require(models[name])
    return try make()
  }

  /// A row of several documents, each beside the same one alone in a row.
  @Test("A document's logits are those that it has alone", arguments: models.keys.sorted())
  func alone(_ name: String) throws {
    let traced = try Self.model(name)
    for options in [PipelineOptions(), .reference] {
      let graph = try Self.pipeline.run(traced, options: options)
      #expect(graph.takesDocuments)
      #expect(try Graph(parsing: graph.text) == graph)
      for seed in 1...3 as ClosedRange<UInt64> {
        let packed = Interpreter.onRandomTokens(graph, seed: seed, mode: .evaluation)
        let logits = try #require(packed.run([.logits])[.logits]?.floats)
        try check(packed, logits)
      }
    }
  }

  private func check(_ packed: Interpreter, _ logits: [Double]) throws {
    let (length, V) = (Self.T.size, Self.V.size)
    for row in 0..<Self.B.size {
      let first = row * length
      let begins = (0..<length).filter { Int(packed.beginnings[first + $0]) == $0 }
      for (begin, end) in zip(begins, begins.dropFirst() + [length]) {
        var alone = packed
        alone.beginnings = []
        let document = packed.tokens[first + begin..<first + end]
        alone.tokens.replaceSubrange(0..<document.count, with: document)
        let expected = try #require(alone.run([.logits])[.logits]?.floats)
        for n in 0..<document.count * V {
          #expect(abs(logits[(first + begin) * V + n] - expected[n]) < 1e-12)
        }
      }
    }
  }

  @Test("Gradients are slopes, through masks of documents", arguments: models.keys.sorted())
  func gradients(_ name: String) throws {
    let graph = try Self.pipeline.run(Self.model(name))
    let wrong = try GradientCheck(graph).results().filter { !$0.isRight }
    #expect(wrong.isEmpty, "\(wrong)")
  }

  @Test("Without documents the graph is what it was, and with them only masks are others")
  func plain() throws {
    let traced = try Self.model("rotary")
    let (plain, packed) = (try Pipeline().run(traced), try Self.pipeline.run(traced))
    #expect(!plain.takesDocuments)
    #expect(plain.cost(.forward) == packed.cost(.forward))
    let ops = packed.nodes.map(\.op).filter { op in
      if case .input(let input) = op { input.kind != .beginnings } else { true }
    }
    #expect(plain.nodes.map(\.op) == ops)
    let run = try Interpreter.onRandomTokens(plain).run()
    var one = Interpreter.onRandomTokens(packed)
    one.beginnings = []
    let same = try one.run()
    for output in plain.outputs.map(\.output) { #expect(run[output] == same[output]) }
  }

  @Test("What nothing needs is not refused")
  func unneeded() throws {
    let traced = try Self.traced { x, _ in
      _ = Self.scores(x).softmax().matmul(Self.projected(x, "v"))
      return x
    }
    let graph = try Self.pipeline.run(traced, options: .reference)
    #expect(graph.takesDocuments)
    #expect(!graph.nodes.contains { $0.op.kind == .matmul })
  }

  @Test("A batch whose axis is part of the context's is said to be one")
  func batchOfPositions() throws {
    let (V, S) = (Axis("V", 5), Axis("S", 3))
    let traced = try LanguageModel.trace("m", vocabulary: V, context: 2 * S, batch: S) { text in
      text.tokens.embedding("token", Axis("C", 4)).linear("head", V)
    }
    let refusal = try #require(throws: Diagnostic.self) { try Self.pipeline.run(traced) }
    #expect(
      refusal.message == "--documents: the batch's axis S is that of positions, 2S, or part of it")
  }

  private static let refused: [String: @Sendable (Tensor, MoE.Text) -> Tensor] = [
    "joins positions that no mask hides": { x, _ in
      scores(x).softmax().matmul(projected(x, "v")).mergedHeads()
    },
    "sums over positions that no mask hides": { x, _ in
      scores(x).matmul(projected(x, "v")).mergedHeads()
    },
    "sums over tokens, and logits depend on it": { x, _ in x + x.sum(over: T).sum(over: B) },
    "reads parameter by the position in the row": { x, _ in
      x + parameter("bias", T, C, initial: .normal(1))
    },
    "reads what is turned by the position in the row": { x, _ in
      attention(projected(x, "q").rotary(), projected(x, "k"), projected(x, "v")).mergedHeads()
    },
    "changes what is turned by the position in the row": { x, _ in
      let scale = parameter("scale", Axis("D", 4), initial: .normal(1))
      return attention(
        projected(x, "q").rotary() * scale, projected(x, "k").rotary() * scale,
        projected(x, "v")
      ).mergedHeads()
    },
    "joins positions, of documents that are not kept apart": { x, _ in
      x + scores(x).causalMasked().softmax().linear("mix", Axis("D", 4)).mergedHeads()
    },
  ]

  @Test(
    "What documents cannot be kept apart in is said at its line", arguments: refused.keys.sorted())
  func refusals(_ words: String) throws {
    let attend = try #require(Self.refused[words])
    let traced = try Self.traced(attend)
    _ = try Pipeline().run(traced)
    let refusal = try #require(throws: Diagnostic.self) { try Self.pipeline.run(traced) }
    #expect(refusal.message.contains("--documents: "))
    #expect(refusal.message.contains(words), "\(refusal.message)")
    #expect(refusal.location?.file.hasSuffix("MaskDocumentsTests.swift") == true)
    #expect(refusal.hint?.isEmpty == false)
  }
}
