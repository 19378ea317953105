import GraphIR
import MoE

@testable import Lint

/// Cases of the rules for routers, what balances them, and what they are easily taken for.
let routerCases: [RuleCase] = [
  RuleCase(
    .balanceCoefficient, "Hugging Face's with Switch's formula", mentions: "loss is 2 where",
    bad: { .routed { m, x in topK(m, x).balanced(0.001) } },
    good: { .routed { m, x in topK(m, x).balanced(0.002) } }),
  RuleCase(
    .balanceCoefficient, "of sigmoids, in each sequence", mentions: "minimind's",
    bad: {
      .routed { m, x in
        let scores = x.linear("gate", m.E).sigmoid()
        return scores.top(2).normalized().balanced(0.0005, over: .sequence)
      }
    },
    good: { .routed { m, x in topK(m, x).balanced(0.0001, over: .sequence) } }),
  RuleCase(
    .balanceCoefficient, "Switch's with Hugging Face's formula, by hand", mentions: "this one is 2",
    bad: { .routed { m, x in balancedByHand(m, x, weight: 0.01, factor: 4) } },
    good: { .routed { m, x in balancedByHand(m, x, weight: 0.01, factor: 2) } }),
  RuleCase(
    .balanceCoefficient, "Switch's over one layer at once", mentions: "this one is 2",
    bad: {
      .routed { m, x in
        let routing = topK(m, x)
        balance([routing], weight: 0.01)
        return routing
      }
    },
    good: {
      .routed { m, x in
        let routing = topK(m, x)
        balance([routing], weight: 0.001)
        return routing
      }
    }),
  RuleCase(
    .balanceCoefficient, "OLMoE's number is Switch's", mentions: "this one is 2",
    bad: {
      .routed { m, x in
        let routing = x.linear("gate", m.E).softmax().top(2).normalized()
        balance([routing], weight: 0.01)
        return routing
      }
    },
    good: {
      .routed { m, x in
        let routing = x.linear("gate", m.E).softmax().top(2).weights()
        balance([routing], weight: 0.01)
        return routing
      }
    }),
  RuleCase(
    .balanceCoefficient, "one expert is both", mentions: "loss is 3 where",
    bad: { .routed { m, x in x.linear("gate", m.E).softmax().top(3).weights().balanced(0.001) } },
    good: { .routed { m, x in x.linear("gate", m.E).softmax().top(1).weights().balanced(0.001) } }),
  RuleCase(
    .constantWeight, "one expert, divided by itself", mentions: "divided by itself",
    bad: { .routed { m, x in x.linear("gate", m.E).sigmoid().top(1).normalized() } },
    good: { .routed { m, x in x.linear("gate", m.E).sigmoid().top(2).normalized() } }),
  RuleCase(
    .contextAndBatch, "swapped", mentions: "look swapped",
    bad: {
      var model = TestModel.around { _, x in x + x.rmsNorm() }
      (model.T, model.B) = (model.B, model.T)
      return model
    }, good: { .around { _, x in x + x.rmsNorm() } }),
  RuleCase(
    .contextAndBatch, "positions over the batch",
    mentions: "\"position\" has the batch's axis B (3)",
    bad: { .around { m, x in x + parameter("position", m.B, m.C) } },
    good: { .around { m, x in x + parameter("position", m.T, m.C) } }),
  RuleCase(
    .normAfterRotary, "with weights", mentions: "after the rotation",
    bad: { .around { _, x in x + x.heads(2).rotary().rmsNorm("norm").mergedHeads() } },
    good: { .around { _, x in x + x.heads(2).rmsNorm("norm").rotary().rmsNorm().mergedHeads() } }),
  RuleCase(
    .termWithoutGradient, "of counts alone", mentions: "has no gradient",
    bad: {
      .around { m, x in
        let routing = topK(m, x)
        let share = routing.chosen().mean(over: m.B, m.T)
        auxiliary("balance", weight: 0.01, (share * share).sum())
        return x + x.routed(by: routing).linear("up", m.C).combined()
      }
    },
    good: { .routed { m, x in topK(m, x).balanced(0.01) } }),
  RuleCase(
    .termWithoutGradient, "of another tensor", mentions: "no part of the router",
    bad: {
      .around { m, x in
        let logits = x.stopGradient().linear("gate", m.E)
        let routing = logits.top(2).softmax()
        let share = routing.chosen().mean(over: m.B, m.T)
        auxiliary(
          "balance", weight: 0.01, (share * x.linear("other", m.E).mean(over: m.B, m.T)).sum())
        return x + x.routed(by: routing).linear("up", m.C).combined()
      }
    },
    good: { .routed { m, x in topK(m, x).importance(0.01) } }),
]

/// Top-2 with E Σ f p written out, of which f is a share of tokens if the factor is E.
private func balancedByHand(
  _ m: TestModel, _ x: Tensor, weight: Double, factor: Double
) -> Routing {
  let logits = x.linear("gate", m.E)
  let scores = (logits - logits.max(over: m.E)).exp()
  let routing = logits.top(2).softmax()
  let chosen = routing.chosen().mean(over: m.B, m.T)
  let shares = (scores / scores.sum(over: m.E)).mean(over: m.B, m.T)
  auxiliary("balance", weight: weight, (chosen.stopGradient() * shares).sum() * factor)
  return routing
}
