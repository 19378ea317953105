import CompiledModels
import GraphIR
import Interpreter
import MoE
import Passes
import Testing

/// What `moec check --compiled` rests on: that a wrong library is found, and a right one is not.
@Suite struct ComparisonTests {
  @Test("A right library is right in everything: gradients, two steps and texts of every length")
  func right() throws {
    let compiled = try CompiledModel(MakeMoE("right") { $0.dropout = 0.2 }.graph())
    let report = try firstReport(compiled.reference, compiled)
    #expect(report.wrong.isEmpty, "\(report.wrong)")
    #expect(report.unsure.isEmpty, "\(report.unsure)")
    // Losses, two gradients, two of steps and two updates for each parameter, and logits.
    #expect(report.compared == 6 + 6 * compiled.reference.parameters.count + 8)
  }

  @Test("A library that decays what should not is found by what its updates are")
  func otherDecay() throws {
    let compiled = try CompiledModel(MakeMoE("same").graph())
    var other = compiled.reference
    for (node, parameter) in other.parameters where parameter.name == "head.weight" {
      var parameter = parameter
      parameter.decays.toggle()
      other.nodes[node].op = .parameter(parameter)
    }
    let wrong = try firstReport(other, compiled).wrong.map(\.name)
    #expect(wrong == [1, 2].map { "value of head.weight after step \($0)" })
  }

  /// An expert has room for half of its tokens, of which many are the same one: its first is kept.
  @Test("Equal tokens are no tie that rounding decides")
  func equalTokens() throws {
    let (V, T, B) = (MoE.Axis("V", 5), MoE.Axis("T", 8), MoE.Axis("B", 2))
    let (C, E) = (MoE.Axis("C", 12), MoE.Axis("E", 4))
    let graph = try LanguageModel.trace("equal", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let routing = x.linear("gate", E).softmax().top(E.size).weights()
      let kept = x.routed(by: routing, capacity: .share(0.5).keeping(.weight))
      return (x + kept.linear("up", C).relu().combined()).linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    let report = try firstReport(compiled.reference, compiled)
    #expect(report.wrong.isEmpty && report.compared > 10, "\(report.wrong)")
  }

  @Test("A library without its dropout is found: training is wrong, evaluation is right")
  func withoutDropout() throws {
    let model = MakeMoE("same") { $0.isNoisy = false }
    let dropping = MakeMoE("same") { ($0.isNoisy, $0.dropout) = (false, 0.2) }
    let report = try firstReport(
      CompiledModel.reference(of: dropping.graph()), CompiledModel(model.graph()))
    let wrong = Set(report.wrong.map(\.name))
    #expect(wrong.isSuperset(of: ["training loss", "loss of step 1", "gradient of head.weight"]))
    #expect(wrong.isDisjoint(with: ["evaluation loss", "logits of 1 token"]))
  }

  @Test(
    "A library whose attention has another scale is found in texts of every length but one token")
  func otherScale() throws {
    let other = try CompiledModel.reference(of: MakeMoE("same") { $0.attentionScale = 2 }.graph())
    let report = try firstReport(other, CompiledModel(MakeMoE("same").graph()))
    let wrong = Set(report.wrong.map(\.name))
    #expect(wrong.isSuperset(of: ["evaluation loss", "logits of 2 tokens", "logits of 7 tokens"]))
    #expect(wrong.contains("gradient of block.0.attention.query.weight"))
    #expect(!wrong.contains("logits of 1 token"))
  }

  @Test("What cancels in single precision is no mistake")
  func cancelling() throws {
    let (V, T, B, C) = (
      MoE.Axis("V", 7), MoE.Axis("T", 8), MoE.Axis("B", 2), MoE.Axis("C", 7)
    )
    // Weights of almost 1 on the token itself: x less what it attends to is all rounding.
    let graph = try LanguageModel.trace("cancel", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C, weights: .normal(2))
      let y = x - x.matmul(x.transposed()).causalMasked().softmax().matmul(x)
      return y.layerNorm("final", epsilon: 1e-9).linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    for seed in 1...4 as ClosedRange<UInt64> {
      let report = try Comparison(compiled.reference, compiled.library, seed: seed).report()
      #expect(report?.wrong.isEmpty ?? true, "\(report?.wrong.description ?? "")")
    }
  }

  @Test("What a norm leaves of equal numbers is rounding, and no mistake")
  func norms() throws {
    let (V, T, B) = (MoE.Axis("V", 2), MoE.Axis("T", 6), MoE.Axis("B", 2))
    let C = MoE.Axis("C", 8)
    let graph = try LanguageModel.trace("norms", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C, weights: .normal(100))
      return x.transposed().layerNorm("norm").transposed().linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    for seed in 1...4 as ClosedRange<UInt64> {
      let report = try Comparison(compiled.reference, compiled.library, seed: seed).report()
      #expect(report?.wrong.isEmpty ?? true, "\(report?.wrong.description ?? "")")
    }
  }

  /// Of epsilon √(1 - β₂) single precision keeps few digits; gradients of all parameters are some 1e-20 or 1e-38.
  @Test("The smallest epsilons are no mistake, and the smallest slopes are off by nothing")
  func smallest() throws {
    let (V, T, B, C) = (
      MoE.Axis("V", 9), MoE.Axis("T", 6), MoE.Axis("B", 2), MoE.Axis("C", 8)
    )
    let graph = try LanguageModel.trace(
      "small", vocabulary: V, context: T, batch: B,
      optimizer: .adamW(learningRate: 0.1, beta2: 0.99999, epsilon: 1.2e-38, weightDecay: 0)
    ) { $0.tokens.embedding("token", C).linear("head", V, bias: false) * 1e-19 }
    let compiled = try CompiledModel(graph)
    let report = try firstReport(compiled.reference, compiled)
    #expect(report.wrong.isEmpty && report.compared > 10, "\(report.wrong)")
    let results = try GradientCheck(compiled.reference).results()
    #expect(results.allSatisfy { $0.isRight && $0.relativeError < 1e-6 }, "\(results)")
  }

  @Test("Beside experts that large numbers close the others are no tie", arguments: [1e4, 1e9])
  func closed(by number: Double) throws {
    let (V, T, B) = (MoE.Axis("V", 30), MoE.Axis("T", 6), MoE.Axis("B", 2))
    let (C, E) = (MoE.Axis("C", 24), MoE.Axis("E", 6))
    let graph = try LanguageModel.trace("closed", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let logits = x.linear("gate", E) - max(E.indices() - 2, 0) * number
      let up = x.routed(by: logits.top(2).softmax()).linear("up", C).relu()
      return (x + up.combined()).linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    let report = try firstReport(compiled.reference, compiled)
    #expect(report.wrong.isEmpty && report.compared > 10, "\(report.wrong)")
  }

  /// Experts that none may choose have scores of -1e30, beside which all others are close.
  @Test("Experts of a few groups are compared, and the model is cut down, groups and all")
  func groups() throws {
    let (V, T, B) = (MoE.Axis("V", 7), MoE.Axis("T", 6), MoE.Axis("B", 2))
    let (C, E) = (MoE.Axis("C", 8), MoE.Axis("E", 64))
    let graph = try LanguageModel.trace(
      "groups", vocabulary: V, context: T, batch: B, linearWeights: .normal(1)
    ) { text in
      let x = text.tokens.embedding("token", C)
      let (bias, scores) = (routerBias("bias", E), x.linear("gate", E).sigmoid())
      let limited = (scores + bias.value).limited(toGroups: 4, of: 8)
      let routing = scores.top(6, by: limited).normalized(scaled: 2.5).balanced(by: bias)
      return (x + x.routed(by: routing).linear("up", C).combined()).linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    let report = try firstReport(compiled.reference, compiled)
    #expect(report.wrong.isEmpty && report.compared > 10, "\(report.wrong)")
    let small = try CutDownModel(compiled.reference)
    let sizes = Dictionary(uniqueKeysWithValues: small.sizes.map { ($0.name, $0.size) })
    #expect(sizes["E"] == 16)
    for result in try GradientCheck(small.graph).results() { #expect(result.isRight, "\(result)") }
  }

  @Test(
    "Texts reach past a window, if it is not too long for the interpreter", arguments: [20, 200])
  func window(of tokens: Int) throws {
    let (V, T, B) = (MoE.Axis("V", 30), MoE.Axis("T", 256), MoE.Axis("B", 2))
    let C = MoE.Axis("C", 16)
    let graph = try LanguageModel.trace("window", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let (q, k, v) = (x.linear("q", C), x.linear("k", C), x.linear("v", C))
      return attention(q.heads(2), k.heads(2), v.heads(2), window: tokens).mergedHeads()
        .linear("head", V)
    }
    let small = try CutDownModel(Pass.differentiate.run(graph), for: .kernels)
    #expect((small.graph.context.size > tokens) == (tokens == 20))
  }

  /// Where columns are cut is a number of the model; what no smaller sizes fit is checked as it is.
  @Test(
    "Models whose axes are tied by cuts, joins and looks are cut down",
    arguments: ["join", "cut", "look"])
  func tied(by kind: String) throws {
    let (V, T, B) = (MoE.Axis("V", 65), MoE.Axis("T", 32), MoE.Axis("B", 4))
    let (C, W, Q, R) = (
      MoE.Axis("C", 24), MoE.Axis("W", 48), MoE.Axis("Q", 4), MoE.Axis("R", 24)
    )
    let graph = try LanguageModel.trace("tied", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      switch kind {
      case "join": return concatenated(x, x.linear("a", C), as: W).linear("head", V)
      case "cut": return x.slice(Q, from: 18).linear("head", V)
      default:
        let rows = parameter("p", R).reshaped(to: MoE.Axis("R1", 6), Q).transposed()
        let looked = rows.linear("l", MoE.Axis("R2", 16)).reshaped(last: 2, to: 4 * W / 3)
        return (x + looked.linear("o", C)).linear("head", V)
      }
    }
    let small = try CutDownModel(Pass.differentiate.run(graph))
    for result in try GradientCheck(small.graph).results() { #expect(result.isRight, "\(result)") }
    #expect(small.graph.batch.size == 2 && small.graph.context.size == 5)
  }

  @Test("What rounding makes of nothing is not said to be right")
  func unsure() throws {
    let (V, T, B, C) = (
      MoE.Axis("V", 7), MoE.Axis("T", 3), MoE.Axis("B", 2), MoE.Axis("C", 7)
    )
    // All that differs between tokens is beyond single precision.
    let graph = try LanguageModel.trace("unsure", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C, weights: .normal(1))
      return ((x * 1e-9 + 1).layerNorm("norm", epsilon: 1e-30)).linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    let report = try #require(
      try Comparison(compiled.reference, compiled.library, seed: 1).report())
    #expect(report.unsure.contains("logits of 3 tokens"))
    #expect(report.wrong.isEmpty)
  }

  @Test(
    "Nothing is said where rounding decides which tokens an expert drops",
    arguments: [.tokens(1).keeping(.weight), .tokens(1).keeping(.choice)] as [MoE.Capacity])
  func droppedByAHair(capacity: MoE.Capacity) throws {
    let (V, T, B, C) = (
      MoE.Axis("V", 7), MoE.Axis("T", 3), MoE.Axis("B", 2), MoE.Axis("C", 7)
    )
    // All experts are chosen, with weights that differ in the seventh digit; one token of each stays.
    let graph = try LanguageModel.trace("hair", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C) + text.positions.embedding("position", C)
      let routing = (x.linear("gate", MoE.Axis("E", 3)) * 1e-7).top(3).softmax()
      return x.routed(by: routing, capacity: capacity).linear("up", C).combined().linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    #expect(try Comparison(compiled.reference, compiled.library, seed: 1).report() == nil)
  }

  @Test("Nothing is said where numbers are too large for the C")
  func tooLarge() throws {
    let (V, T, B, C) = (
      MoE.Axis("V", 7), MoE.Axis("T", 3), MoE.Axis("B", 1), MoE.Axis("C", 4)
    )
    let graph = try LanguageModel.trace("large", vocabulary: V, context: T, batch: B) { text in
      (text.tokens.embedding("token", C, weights: .normal(1)) * 1e30 * 1e30).linear("head", V)
    }
    let compiled = try CompiledModel(graph)
    #expect(try Comparison(compiled.reference, compiled.library, seed: 1).report() == nil)
  }

  /// The first trial that rounding does not decide.
  private func firstReport(_ reference: Graph, _ compiled: CompiledModel) throws
    -> Comparison.Report
  {
    var report: Comparison.Report?
    for seed in 1...9 as ClosedRange<UInt64> where report == nil {
      report = try Comparison(reference, compiled.library, seed: seed).report()
    }
    return try #require(report)
  }
}
