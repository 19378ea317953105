import GraphIR
import Testing

@testable import MoE

@Suite struct TraceTests {
  @Test(
    arguments: [
      (.kaimingNormal, .kaimingNormal(fanIn: 12)), (.kaimingUniform, .kaimingUniform(fanIn: 12)),
      (.xavierNormal, .xavierNormal(fanIn: 12, fanOut: 11)),
      (.xavierUniform, .xavierUniform(fanIn: 12, fanOut: 11)),
      (.normal(0.02), .normal(0.02)), (.zeros, .zeros), (.ones, .ones),
    ] as [(WeightInitializer, Initializer)])
  func aModelChoosesItsWeights(_ choice: WeightInitializer, _ expected: Initializer) throws {
    let graph = try trace(weights: choice) { $0.embedded.head }
    #expect(graph.parameter("head.weight")?.initializer == expected)
    #expect(graph.parameter("head.bias")?.initializer == .uniform(1 / Double(12).squareRoot()))
    #expect(graph.parameter("token.weight")?.initializer == .normal(1))
  }

  @Test func aLayerChoosesForItself() throws {
    let graph = try trace(weights: .zeros) { text in
      let x = text.tokens.embedding("token", Small.C, weights: .xavierNormal).layerNorm("norm")
      return x.linear("head", Small.V, bias: false, weights: .normal(0.5))
    }
    #expect(graph.parameter("token.weight")?.initializer == .xavierNormal(fanIn: 12, fanOut: 11))
    #expect(graph.parameter("head.weight")?.initializer == .normal(0.5))
    #expect(graph.parameter("head.bias") == nil)
    #expect(graph.parameter("norm.weight")?.initializer == .ones)
    #expect(graph.parameter("norm.bias")?.initializer == .zeros)
  }

  @Test func expertsHaveTheFansOfOneExpert() throws {
    let graph = try trace(weights: .xavierNormal) { text in
      let x = text.embedded
      let routing = x.linear("gate", Small.E).top(2).softmax()
      return x.routed(by: routing).linear("up", 3 * Small.C).linear("down", Small.C).combined().head
    }
    let up = graph.parameter("up.weight")
    #expect(up?.initializer == .xavierNormal(fanIn: 12, fanOut: 36))
    #expect(up?.axes.map(\.description) == ["E", "3C", "C"])
    #expect(graph.parameter("up.bias")?.axes.map(\.description) == ["E", "3C"])
    #expect(graph.parameter("down.weight")?.initializer == .xavierNormal(fanIn: 36, fanOut: 12))
    #expect(graph.parameter("down.bias")?.initializer == .uniform(1.0 / 6))
  }

  @Test func aBadDeviationIsAnError() {
    let found = errors { $0.embedded.linear("head", Small.V, weights: .normal(-1)) }
    #expect(
      found.map(\.message) == [
        "linear: the deviation of normal weights must be a number of at least 0, got -1.0"
      ])
  }

  @Test func aModelsBadWeightsAreReportedOnce() {
    do throws(ModelErrors) {
      _ = try LanguageModel.trace(
        "m", vocabulary: Small.V, context: Small.T, batch: Small.B, linearWeights: .normal(.nan)
      ) { $0.embedded.linear("wide", Small.C).head }
      Issue.record("no error")
    } catch {
      #expect(
        error.diagnostics.map(\.message) == [
          "LanguageModel: the deviation of normal weights must be a number of at least 0, got nan"
        ])
    }
  }

  @Test func scopesNestAndNameParameters() throws {
    let graph = try trace { text in
      let x = layers("block", 2, text.embedded) { x in
        scope("outer") { x + scope("inner") { x.linear("proj", Small.C).relu() } }
      }
      return scope("last") { x.layerNorm("norm") }.head
    }
    #expect(
      graph.parameters.map(\.parameter.name) == [
        "token.weight", "block.0.outer.inner.proj.weight", "block.0.outer.inner.proj.bias",
        "block.1.outer.inner.proj.weight", "block.1.outer.inner.proj.bias", "last.norm.weight",
        "last.norm.bias", "head.weight", "head.bias",
      ])
    #expect(
      graph.nodes(.pointwise).map(\.scope) == [
        "block.0.outer.inner", "block.0.outer", "block.1.outer.inner", "block.1.outer",
      ])
  }

  @Test func everyNodeKnowsItsLayer() throws {
    let graph = try trace { text in
      let embedded = text.embedded
      let x = scope("decoder") {
        layers("outer", 2, embedded) { x in
          let y = layers("inner", 2, x) { y in
            scope("part") { y * 2 + y.linear("up", Small.C) }
          }
          return y + scope("rest") { y.relu() }
        }
      }
      return x.layerNorm("norm").head
    }
    let found = graph.nodes.compactMap { $0.layer?.description }
    var expected: [String] = []
    for outer in ["decoder.outer[0]", "decoder.outer[1]"] {
      for inner in 0..<2 { expected += Array(repeating: "\(outer).inner[\(inner)]", count: 5) }
      expected += [outer, outer]
    }
    #expect(found == expected)
    for node in graph.nodes where node.scope.contains("decoder") {
      #expect(node.layer.map { node.scope.hasPrefix($0.scope) } == true, "\(node.scope)")
    }
  }

  @Test func streamsAreNumberedAndNoDropoutIsNoNode() throws {
    let graph = try trace { text in
      let x = text.embedded.dropout(0).dropout(0.5)
      let noisy = x + .normal(like: x)
      let q = noisy.heads(2)
      let y = attention(q, q, q, dropout: 0.25).mergedHeads()
      let routing = y.linear("gate", Small.E).top(1).softmax()
      return y.routed(by: routing).dropout(0.1).dropout(0).combined().head
    }
    let found = graph.nodes.flatMap { node in
      if case .pointwise(let op) = node.op { return op.expression.streams }
      if case .attention(let op) = node.op { return [op.stream] }
      return []
    }
    #expect(found == [0, 1, 2, 3])
  }

  @Test func attentionWorksOnMergedOperands() throws {
    let graph = try trace { text in
      let q = text.embedded.heads(3)
      return (attention(q, q, q) + attention(q, q, q, scale: 0.3)).mergedHeads().head
    }
    let scales = graph.nodes.compactMap { node in
      if case .attention(let op) = node.op { op.scale } else { Double?.none }
    }
    #expect(scales == [0.5, 0.3])
    #expect(graph.nodes(.attention).allSatisfy { $0.types[0].description == "f32[B, T, C]" })
    #expect(graph.nodes(.mergeHeads).count == 7 && graph.nodes(.splitHeads).count == 3)
  }

  @Test func aTableCanBeTheHead() throws {
    let graph = try trace { text in
      let table = scope("shared") { parameter("token.weight", Small.V, Small.C) }
      let bias = parameter("bias", Small.V, initial: .zeros)
      return text.tokens.embedding(table).linear(weight: table, bias: bias)
    }
    #expect(graph.parameters.map(\.parameter.name) == ["shared.token.weight", "bias"])
    let table = Value(node: graph.parameters[0].node)
    #expect(graph.useCounts[table] == 2)
  }

  @Test func twoUsesOfARoutingShareItsRows() throws {
    let graph = try trace { text in
      let x = text.embedded
      let routing = x.linear("gate", Small.E).top(2).softmax()
      let sum = x.routed(by: routing).silu() * x.relu().routed(by: routing) - 1.0
      return (sum.combined() + x.routed(by: routing, capacity: 1.5).combined()).head
    }
    let routes = graph.nodes.compactMap { node in
      if case .route(let op) = node.op { op.capacity?.factor } else { Double??.none }
    }
    #expect(routes == [nil, 1.5])
    #expect(graph.nodes(.dispatch).count == 3)
  }

  @Test func arithmeticIsWhatItSays() throws {
    let graph = try trace { text in
      let x = text.embedded
      let y = (2 * x + 1 - x * 3) * (1 - x) - (-x) + (0.5 + x) * (x - 0.25) / 2
      return (y.gelu() + y.silu() + y.tanh() + y.sigmoid()).head
    }
    let expressions = graph.nodes.compactMap { node in
      if case .pointwise(let op) = node.op { "\(op.expression)" } else { String?.none }
    }
    #expect(
      expressions.prefix(6) == [
        "2.0 * x0", "x0 + 1.0", "3.0 * x0", "x0 - x1", "1.0 - x0", "x0 * x1",
      ])
    #expect(expressions.contains("0.5 * x0 * (1.0 + erf(0.7071067811865476 * x0))"))
  }

  @Test func everyRoutedFunctionKeepsTheRows() throws {
    let graph = try trace { text in
      let x = text.embedded
      let r = x.routed(by: x.linear("gate", Small.E).top(2).softmax())
      let y = r.relu() + r.gelu() * r.silu() - r.sigmoid() + 2 * r.tanh() - 1
      return (-(1 - (0.5 + y.softplus() * 3))).combined().head
    }
    let rows = graph.nodes(.pointwise)
    #expect(rows.allSatisfy { $0.types[0].description == "f32[B·T·K, C] by E" })
  }

  @Test func graphsReadBack() throws {
    let graph = try trace { $0.embedded.head }
    #expect(try Graph(parsing: graph.text) == graph)
  }

  @Test(arguments: ["", "1st", "a b", "ü", "a.b", "../x"]) func modelNames(_ name: String) {
    #expect(throws: ModelErrors.self) {
      try LanguageModel.trace(name, vocabulary: Small.V, context: Small.T, batch: Small.B) {
        $0.embedded.head
      }
    }
  }

  private func problems(of optimizer: Optimizer) -> [String] {
    do throws(ModelErrors) {
      _ = try LanguageModel.trace(
        "m", vocabulary: Small.V, context: Small.T, batch: Small.B, optimizer: optimizer
      ) { $0.embedded.head }
      return []
    } catch {
      return error.diagnostics.map(\.message)
    }
  }

  @Test func optimizersAreChecked() {
    let last = "in single precision, got"
    #expect(
      problems(of: .adamW(learningRate: -1, beta2: 1, weightDecay: .nan)) == [
        "LanguageModel: learningRate must be a finite number above 0 \(last) -1.0",
        "LanguageModel: beta2 must be a finite number in 0 ..< 1 \(last) 1.0",
        "LanguageModel: weightDecay must be a finite number from 0 on \(last) nan",
      ])
    #expect(
      problems(of: .adamW(learningRate: 1e39, beta1: 0.99999999999, epsilon: 1e-39)) == [
        "LanguageModel: learningRate must be a finite number above 0 \(last) 1e+39",
        "LanguageModel: beta1 must be a finite number in 0 ..< 1 \(last) 0.99999999999",
        "LanguageModel: epsilon must be a finite number from 1.1754944e-38 on \(last) 1e-39",
      ])
    #expect(
      problems(of: .adamW(learningRate: 0.1, weightDecay: 100)) == [
        "LanguageModel: learningRate times weightDecay must be at most 1 \(last) 0.1 times 100.0"
      ])
    #expect(problems(of: .adamW(learningRate: 1, beta1: 0, beta2: 0, weightDecay: 1)) == [])
  }
}
