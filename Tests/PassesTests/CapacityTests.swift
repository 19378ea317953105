import GraphIR
import Interpreter
import MoE
import Passes
import Testing

/// Which tokens experts keep, by the rules of systems that people know.
@Suite struct CapacityTests {
  private typealias Axis = MoE.Axis
  private static let (V, T, B) = (Axis("V", 7), Axis("T", 6), Axis("B", 2))
  private static let (C, E) = (Axis("C", 4), Axis("E", 3))
  private static let (tokens, experts, chosen) = (12, 3, 2)

  /// A run, and of each (token, choice) pair the expert, the weight and whether it has a row.
  private func pairs(
    _ capacity: Capacity, renormalized: Bool = false
  ) throws -> (run: Run, pairs: [(expert: Int, weight: Double, isKept: Bool)]) {
    let graph = try LanguageModel.trace(
      "routed", vocabulary: Self.V, context: Self.T, batch: Self.B
    ) {
      text in
      let x = text.tokens.embedding("token", Self.C)
      let logits = parameter("logits", Self.B, Self.T, Self.E, initial: .normal(1))
      let routing = logits.softmax().top(2).weights()
      let rows = x.routed(by: routing, capacity: capacity, renormalized: renormalized)
      return (x + rows.linear("up", Self.C).combined()).linear("head", Self.V)
    }
    let run = try Interpreter.onRandomTokens(Pipeline().run(graph)).run()
    let node = { (kind: OpKind) in try #require(run.graph.nodes.firstIndex { $0.op.kind == kind }) }
    let top = try node(.top)
    let (values, choice) = (run[Value(node: top)].floats, run[Value(node: top, result: 1)].integers)
    let slots = run[Value(node: try node(.route), result: 2)].integers
    return (
      run, values.indices.map { (Int(choice[$0]), values[$0], slots[$0] >= 0) }
    )
  }

  /// Whether each expert keeps the first pairs of an order, so many of each group of tokens.
  private func expect(
    _ all: [(expert: Int, weight: Double, isKept: Bool)], limit: Int, group: Int = tokens,
    by isBefore: (Int, Int) -> Bool
  ) {
    var dropped = 0
    for first in stride(from: 0, to: all.count, by: group * Self.chosen) {
      for expert in 0..<Self.experts {
        let own = (first..<first + group * Self.chosen).filter { all[$0].expert == expert }
        let kept = own.sorted(by: isBefore).prefix(limit).sorted()
        #expect(own.filter { all[$0].isKept } == kept)
        dropped += own.count - kept.count
      }
    }
    #expect(dropped > 0)
  }

  @Test("makeMoE's: rounded down, first come", arguments: [0.55, 0.8])
  func roundedDown(_ factor: Double) throws {
    let all = try pairs(.share(factor)).pairs
    expect(all, limit: Int(Double(24) / 3 * factor), by: <)
  }

  @Test("Megatron's: rounded up, the largest weights or first come")
  func roundedUp() throws {
    let all = try pairs(.share(0.55, roundedUp: true).keeping(.weight)).pairs
    expect(all, limit: 5) { all[$0].weight > all[$1].weight }
    let positions = try pairs(.share(0.55, roundedUp: true)).pairs
    expect(positions, limit: 5, by: <)
  }

  @Test("DeepSpeed's: at least so many")
  func least() throws {
    let all = try pairs(.share(0.1, roundedUp: true, atLeast: 4)).pairs
    expect(all, limit: 4, by: <)
  }

  @Test("Mesh-TensorFlow's: first choices before second ones, each in order")
  func choices() throws {
    let all = try pairs(.share(0.6).keeping(.choice)).pairs
    let isSecond = { (pair: Int) in all[pair].weight < all[pair ^ 1].weight ? 1 : 0 }
    expect(all, limit: 4) { (isSecond($0), $0) < (isSecond($1), $1) }
  }

  @Test("Hugging Face's Switch: so many tokens of each sequence")
  func sequences() throws {
    let all = try pairs(.tokens(3).perSequence()).pairs
    expect(all, limit: 3, group: 6, by: <)
  }

  @Test("Weights of what is kept are divided by their sum, and gradients are right")
  func renormalized() throws {
    let (run, all) = try pairs(.share(0.6), renormalized: true)
    let combine = try #require(run.graph.nodes.first { $0.op.kind == .combine })
    let weights = run[combine.inputs[1]].floats
    for token in 0..<Self.tokens {
      let own = (2 * token..<2 * token + 2)
      let sum = own.reduce(0) { $0 + (all[$1].isKept ? all[$1].weight : 0) }
      for pair in own {
        let expected = all[pair].isKept ? all[pair].weight / sum : 0
        #expect(abs(weights[pair] - expected) < 1e-12)
      }
    }
    for result in try GradientCheck(run.graph).results() { #expect(result.isRight, "\(result)") }
  }

  @Test("Expert choice: each expert takes its best tokens of all")
  func expertChoice() throws {
    let graph = try LanguageModel.trace(
      "chosen", vocabulary: Self.V, context: Self.T, batch: Self.B
    ) {
      text in
      let x = text.tokens.embedding("token", Self.C)
      let logits = parameter("logits", Self.B, Self.T, Self.E, initial: .normal(1))
      let routing = logits.softmax().top(3).weights()
      let rows = x.routed(by: routing, capacity: .share(2.0 / 3).keeping(.weight))
      return (x + rows.linear("up", Self.C).combined()).linear("head", Self.V)
    }
    let run = try Interpreter.onRandomTokens(Pipeline().run(graph)).run()
    let route = try #require(run.graph.nodes.firstIndex { $0.op.kind == .route })
    #expect(run[Value(node: route)].integers == [0, 8, 16, 24])
    for result in try GradientCheck(run.graph).results() { #expect(result.isRight, "\(result)") }
  }

  @Test("Scores are limited to the best groups, as DeepSeek's routers have them")
  func groups() throws {
    let E = Axis("E", 6)
    let graph = try LanguageModel.trace(
      "limited", vocabulary: Self.V, context: Self.T, batch: Self.B
    ) {
      text in
      let x = text.tokens.embedding("token", Self.C)
      let s = parameter("logits", Self.B, Self.T, E, initial: .normal(1)).sigmoid()
      let routing = s.top(3, by: s.limited(toGroups: 2, of: 3)).normalized()
      return (x + x.routed(by: routing).linear("up", Self.C).combined()).linear("head", Self.V)
    }
    let run = try Interpreter.onRandomTokens(Pipeline().run(graph)).run()
    let gather = try #require(run.graph.nodes.first { $0.op.kind == .gather })
    let (scores, choice) = (run[gather.inputs[0]].floats, run[gather.inputs[1]].integers)
    for token in 0..<Self.tokens {
      let s = Array(scores[6 * token..<6 * token + 6])
      let sums = (0..<3).map { s[2 * $0] + s[2 * $0 + 1] }
      let worst = sums.firstIndex(of: sums.min() ?? 0) ?? 0
      let allowed = s.indices.filter { $0 / 2 != worst }.sorted { s[$0] > s[$1] }
      #expect(choice[3 * token..<3 * token + 3].map(Int.init) == allowed.prefix(3).sorted())
    }
  }
}
