import GraphIR
import MoE
import Testing

@testable import Lint

/// A rule with a model that triggers it and one that does not.
struct RuleCase: CustomTestStringConvertible, Sendable {
  var rule: Rule
  var name: String
  var mentions: String
  var evaluationBatches = 0
  var bad: @Sendable () -> TestModel
  var good: @Sendable () -> TestModel

  var testDescription: String { "\(rule.rawValue): \(name)" }

  init(
    _ rule: Rule, _ name: String, mentions: String, evaluationBatches: Int = 0,
    bad: @escaping @Sendable () -> TestModel, good: @escaping @Sendable () -> TestModel
  ) {
    self.rule = rule
    self.name = name
    self.mentions = mentions
    self.evaluationBatches = evaluationBatches
    self.bad = bad
    self.good = good
  }
}

@Sendable func topK(_ m: TestModel, _ x: Tensor) -> Routing {
  x.linear("gate", m.E).top(2).softmax()
}

private let cases: [RuleCase] =
  [
    RuleCase(
      .attentionScale, "written out", mentions: "1/√8, the width, although a head has 4",
      bad: { .around { m, x in writtenAttention(m, x, scale: 1 / 8.0.squareRoot()) } },
      good: { .around { m, x in writtenAttention(m, x, scale: 0.5) } }),
    RuleCase(
      .attentionScale, "in one pass", mentions: "1/√8",
      bad: { .around { m, x in fusedAttention(m, x, scale: 1 / 8.0.squareRoot()) } },
      good: { .around { m, x in fusedAttention(m, x, scale: nil) } }),
    RuleCase(
      .attentionScale, "of the queries", mentions: "1/√8",
      bad: { .around { m, x in scaledQueries(m, x, by: 1 / 8.0.squareRoot()) } },
      good: { .around { m, x in scaledQueries(m, x, by: 0.5) } }),
    RuleCase(
      .attentionNotCausal, "no mask", mentions: "not masked",
      bad: { .around { m, x in writtenAttention(m, x, scale: 0.5, masked: false) } },
      good: { .around { m, x in writtenAttention(m, x, scale: 0.5) } }),
    RuleCase(
      .attentionNotCausal, "a sum over positions", mentions: "sum over positions",
      bad: { .around { _, x in x + x.mean() } }, good: { .around { _, x in x + x.rmsNorm() } }),
    RuleCase(
      .capacityZero, "short texts", mentions: "texts of up to 3 tokens",
      bad: { .routed(capacity: .share(0.5), topK) }, good: { .routed(capacity: .share(2), topK) }),
    RuleCase(
      .capacityZero, "one token", mentions: "a text of 1 token",
      bad: { .routed(capacity: .share(1.5), topK) }, good: { .routed(topK) }),
    RuleCase(
      .capacityBatch, "room for some", mentions: "first 9 of 18 tokens",
      bad: { .routed(capacity: .share(1), topK) }, good: { .routed(capacity: .share(2), topK) }),
    RuleCase(
      .capacityNotCausal, "the largest weights", mentions: "largest weights",
      bad: { .routed(capacity: .share(1).keeping(.weight), topK) },
      good: { .routed(capacity: .share(1), topK) }),
    RuleCase(
      .capacityNotCausal, "first choices of a sequence", mentions: "first choices",
      bad: { .routed(capacity: .tokens(2).keeping(.choice).perSequence(), topK) },
      good: {
        // One choice of each token is its first: the later tokens are those that are dropped.
        .routed(capacity: .tokens(2).keeping(.choice).perSequence()) { m, x in
          x.linear("gate", m.E).softmax().top(1).weights()
        }
      }),
    RuleCase(
      .noiseInEvaluation, "noise", mentions: "stays on in evaluation",
      bad: { .around { _, x in x + .normal(like: x) } },
      good: { .around { _, x in x + .normal(like: x, inEvaluation: false) } }),
    RuleCase(
      .noiseInEvaluation, "noise that nothing uses is no noise", mentions: "evaluation",
      bad: { .around { _, x in x * .normal(like: x) } },
      good: {
        .around { _, x in
          _ = Tensor.normal(like: x)
          return x
        }
      }),
    RuleCase(
      .softmaxBeforeLoss, "probabilities", mentions: "returns probabilities",
      bad: {
        TestModel { m, text in
          text.tokens.embedding("token", m.C).linear("head", m.V).softmax()
        }
      },
      good: { .around { _, x in x.softmax() } }),
    RuleCase(
      .unreachableExperts, "no capacity at all", mentions: "no expert ever takes a token",
      bad: { .routed(capacity: .share(0.1), topK) }, good: { .routed(capacity: .share(0.2), topK) }),
    RuleCase(
      .unreachableExperts, "a gate of zeros", mentions: "the same 2 of 4 experts",
      bad: {
        .routed { m, x in x.linear("gate", m.E, weights: .zeros).top(2).softmax() }
      },
      good: { .routed { m, x in x.linear("gate", m.E, weights: .normal(0.02)).top(2).softmax() } }),
    RuleCase(
      .unreachableExperts, "the same logits for all tokens", mentions: "the same 1 of 4 experts",
      bad: {
        .routed { m, x in
          (x.linear("gate", m.E) * 0 + parameter("bias", m.E)).top(1).softmax()
        }
      },
      good: {
        .routed { m, x in
          let logits = x.linear("gate", m.E, weights: .zeros)
          return (logits + .normal(like: logits)).top(1).softmax()
        }
      }),
    RuleCase(
      .untrainedParameter, "a router of one expert",
      mentions: "gate.weight\" never gets a gradient",
      bad: { .routed { m, x in x.linear("gate", m.E).top(1).softmax() } },
      good: { .routed(topK) }),
    RuleCase(
      .untrainedParameter, "a router that is used otherwise too", mentions: "never gets a gradient",
      bad: { .routed { m, x in (x.linear("gate", m.E) * 2).top(1).softmax() } },
      good: {
        .around { m, x in
          let logits = x.linear("gate", m.E)
          let rows = x.routed(by: logits.top(1).softmax()).linear("expert", m.C).combined()
          return rows + logits.softmax().linear("back", m.C)
        }
      }),
    RuleCase(
      .untrainedParameter, "a mixture that cancels out", mentions: "gate.weight\" never gets",
      bad: {
        .around { m, x in
          let y = x.routed(by: topK(m, x)).linear("expert", m.C).combined()
          return x + (y - y)
        }
      },
      good: {
        .around { m, x in
          let y = x.routed(by: topK(m, x)).linear("expert", m.C).combined()
          return x + (y - y * 2)
        }
      }),
    RuleCase(
      .untrainedParameter, "what only a stop reads", mentions: "side.weight\" never gets",
      bad: { .around { m, x in x * x.linear("side", m.C, bias: false).stopGradient() } },
      good: { .around { m, x in x * x.linear("side", m.C, bias: false) + x.stopGradient() } }),
    RuleCase(
      .untrainedParameter, "a norm of one number", mentions: "one.weight\" never gets",
      bad: {
        .around { m, x in x * x.linear("one", Axis("O", 1)).layerNorm("n").linear("back", m.C) }
      },
      good: {
        .around { m, x in x * x.linear("one", Axis("O", 2)).layerNorm("n").linear("back", m.C) }
      }),
    RuleCase(
      .softmaxTwice, "a router", mentions: "of what a softmax gave",
      bad: { .routed { m, x in x.linear("gate", m.E).softmax().top(2).softmax() } },
      good: { .routed(topK) }),
    RuleCase(
      .softmaxTwice, "attention", mentions: "of what a softmax gave",
      bad: { .around { _, x in x.softmax().dropout(0.1).softmax() } },
      good: { .around { m, x in x.softmax().linear("between", m.C).softmax() } }),
    RuleCase(
      .unusedParameter, "a tensor", mentions: "\"spare\" is used by nothing",
      bad: {
        .around { m, x in
          _ = parameter("spare", m.C)
          return x
        }
      },
      good: { .around { m, x in x * parameter("spare", m.C) } }),
    RuleCase(
      .unusedResult, "a layer", mentions: "2 parameters such as side.weight are made",
      bad: {
        .around { m, x in
          _ = x.linear("side", m.C).relu()
          return x
        }
      },
      good: { .around { m, x in x.linear("side", m.C).relu() } }),
    RuleCase(
      .evaluationCost, "400 batches", mentions: "2 × 400 batches every 100 steps",
      evaluationBatches: 400,
      bad: { .around { m, x in x.linear("one", m.C).linear("two", m.C) } },
      good: { TestModel { m, text in text.tokens.embedding("token", m.V) } }),
  ] + routerCases

@Suite struct RuleTests {
  @Test("A model triggers the rule, once, at its own line", arguments: cases)
  func triggers(_ test: RuleCase) throws {
    let report = try test.bad().lint(evaluationBatches: test.evaluationBatches)
    let warnings = report.warnings.filter { $0.rule == test.rule.rawValue }
    #expect(!warnings.isEmpty, "\(report.warnings)")
    let places = warnings.map { $0.location?.description ?? "" }
    #expect(Set(places).count == places.count)
    #expect(warnings.contains { $0.message.contains(test.mentions) }, "\(warnings)")
    #expect(warnings.allSatisfy { $0.location != nil && !$0.hint.isEmpty })
  }

  @Test("Another model does not", arguments: cases)
  func stays(_ test: RuleCase) throws {
    let batches = test.rule == .evaluationCost ? 100 : 0
    let report = try test.good().lint(evaluationBatches: batches)
    #expect(report.warnings.filter { $0.rule == test.rule.rawValue }.isEmpty, "\(report.warnings)")
  }

  @Test("States and terms set nothing off: what only they use is used, and no gradient is missed")
  func statesAndTerms() throws {
    let model = TestModel.around { m, x in
      let logits = x.linear("gate", m.E)
      let mean = logits.softmax().mean(over: m.B, m.T)
      let (kept, used) = (state("kept", m.E), state("used", m.E))
      kept.update(to: mean + 0)
      used.update(to: used.value + mean)
      auxiliary("balance", weight: 1, (x.linear("other", m.E).softmax() * used.value).sum())
      return x.routed(by: (logits - used.value).top(2).softmax()).linear("expert", m.C).combined()
    }
    #expect(try model.lint().warnings == [])
  }

  @Test("A parameter that only a state's rule reads is never trained")
  func untrainedBehindAState() throws {
    let model = TestModel.around { m, x in
      let kept = state("kept", m.E)
      kept.update(to: x.linear("side", m.E).mean(over: m.B, m.T))
      return x
    }
    let warnings = try model.lint().warnings
    #expect(warnings.map(\.rule) == [Rule.untrainedParameter.rawValue])
    #expect(warnings.first?.message.contains("side.") == true)
  }

  @Test("A mark on the line, or above it, silences the rule", arguments: cases)
  func silenced(_ test: RuleCase) throws {
    let model = test.bad()
    let rules = [test.rule]
    let report = try model.lint(evaluationBatches: test.evaluationBatches, rules)
    let lines = Set(report.warnings.compactMap { $0.location?.line })
    for offset in [0, 1] {
      let source = (1...(lines.max() ?? 1)).map { line in
        let isMarked = lines.contains(line + offset)
        return isMarked ? "code  // moec:intended \(test.rule.rawValue): why" : "code"
      }.joined(separator: "\n")
      let silent = try model.lint(
        source: source, evaluationBatches: test.evaluationBatches, rules)
      #expect(silent == LintReport(errors: [], warnings: []))
    }
  }

  @Test("Every rule has a case, a name of its own and says what it is about")
  func complete() {
    #expect(Set(cases.map(\.rule)) == Set(Rule.allCases))
    for rule in Rule.allCases {
      #expect(rule.rawValue.wholeMatch(of: /[a-z]+(-[a-z]+)+/) != nil)
      let definition = rule.definition
      #expect(definition.sentence.hasSuffix(".") && definition.reason.hasSuffix("."))
      #expect(!definition.wayOut.isEmpty)
    }
  }

  @Test("A line that makes several layers is warned of once")
  func once() throws {
    let model = TestModel.around { m, x in
      layers("block", 3, x) { fusedAttention(m, $0, scale: 1 / 8.0.squareRoot()) }
    }
    #expect(try model.lint().warnings.filter { $0.rule == "attention-scale" }.count == 1)
  }
}
