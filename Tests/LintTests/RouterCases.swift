import GraphIR
import MoE

@testable import Lint

/// Cases of the rules for routers, what balances them, and what they are easily taken for.
let routerCases: [RuleCase] = [
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
