import GraphIR
import Testing

@testable import MoE

/// Terms of the objective and states, as a model writes them.
@Suite struct ObjectiveTests {
  @Test func termsAreAddedUpAndNamedByScope() throws {
    let graph = try trace { text in
      let x = layers("block", 2, text.embedded) { x in
        auxiliary("size", weight: 0.5, (x * x).mean())
        return x.relu()
      }
      auxiliary("seen", weight: 0, x.sum())
      return x.head
    }
    try Verifier.verify(graph)
    #expect(graph.terms.map(\.name) == ["block.0.size", "block.1.size", "seen"])
    #expect(graph.terms.map(\.weight) == [0.5, 0.5, 0])
    let objective = try #require(graph[.objective])
    #expect(graph.nodes[objective.node].inputs.count == 3)
    #expect(graph.nodes[objective.node].scope == "loss")
  }

  @Test func aModelWithoutWeightedTermsHasNoObjective() throws {
    let graph = try trace { text in
      auxiliary("seen", weight: 0, text.embedded.sum())
      return text.positionsAndTokens.head
    }
    try Verifier.verify(graph)
    #expect(graph[.objective] == nil)
    #expect(graph.differentiated == graph[.loss])
  }

  @Test func aStateHasARule() throws {
    let graph = try trace { text in
      let x = text.embedded
      let mean = state("mean", Small.C, initial: 0.5)
      mean.update(to: mean.value * 0.9 + x.mean(over: Small.B, Small.T) * 0.1)
      return (x - mean.value).head
    }
    try Verifier.verify(graph)
    let parameter = try #require(graph.parameter("mean"))
    #expect(parameter.isState && !parameter.decays && parameter.initializer == .constant(0.5))
    #expect(graph[.state("mean")].map { graph.type(of: $0).axes.map(\.description) } == ["C"])
  }

  @Test func sumsLeaveOutTheFirstOrTheLastAxes() throws {
    let graph = try trace { text in
      let x = text.embedded
      auxiliary("all", weight: 1, x.sum())
      auxiliary("leading", weight: 1, x.mean(over: Small.B, Small.T).sum())
      auxiliary("trailing", weight: 1, x.mean(over: Small.C).sum(over: Small.T).mean())
      return x.head
    }
    #expect(
      graph.nodes(.sum).map { $0.types[0].description } == [
        "f32[]", "f32[C]", "f32[]", "f32[B, T]", "f32[B]", "f32[]",
      ])
  }

  /// Expects one error on a line shortly before the call, where the model is.
  private func expect(
    _ found: [Diagnostic], _ message: String, hint: String, line: Int = #line
  ) {
    #expect(found.map(\.message) == [message])
    #expect(found.first?.location.map { (line - 9..<line).contains($0.line) } == true)
    #expect(found.first?.hint?.contains(hint) == true)
  }

  @Test func wrongTerms() {
    let axes = errors {
      auxiliary("a", weight: 1, $0.embedded)
      return $0.positionsAndTokens.head
    }
    expect(axes, "auxiliary: expected a number, f32[], got f32[B, T, C]", hint: ".mean() or .sum()")
    for weight in [Double.nan, 1e300] {
      let found = errors {
        auxiliary("a", weight: weight, $0.embedded.sum())
        return $0.positionsAndTokens.head
      }
      let message = "auxiliary: the weight must be finite in single precision, got \(weight)"
      #expect(found.map(\.message) == [message])
    }
    let negative = errors { text in
      let x = text.positionsAndTokens
      let logits = x.linear("router", Small.E)
      logits.zLoss(-0.001)
      logits.top(2).softmax().balanced(-0.01).importance(-0.1)
      logits.top(2).softmax().balanced(-.infinity, name: "endless")
      auxiliary("spread", weight: -1, logits.sum())
      return x.head
    }
    #expect(
      negative.map(\.message)
        == [("zLoss", -0.001), ("balanced", -0.01), ("importance", -0.1)].map {
          "\($0): the weight must be at least 0, got \($1): training would make the loss large"
        } + ["balanced: the weight must be finite in single precision, got -inf"])
    let name = errors {
      auxiliary("a b", weight: 1, $0.embedded.sum())
      return $0.positionsAndTokens.head
    }
    #expect(name.count == 1 && name[0].message.contains("the name \"a b\""))
    let kept = errors {
      auxiliary("a", weight: 1, parameter("p"))
      return $0.embedded.head
    }
    expect(
      kept, "auxiliary: expected something computed, got what the model keeps or is given",
      hint: "parameters stay")
    let poisoned = errors {
      auxiliary("a", weight: 1, $0.embedded.heads(5).sum())
      return $0.positionsAndTokens.head
    }
    #expect(poisoned.count == 1)
  }

  @Test func aTermTwice() {
    let found = errors { text in
      let x = text.embedded
      auxiliary("a", weight: 1, x.sum())
      auxiliary("a", weight: 1, x.mean())
      return x.head
    }
    #expect(found.map(\.message) == ["auxiliary: \"a\" exists already"])
    #expect(found.first?.location?.line == #line - 4)
  }

  @Test func wrongStates() {
    let unruled = errors { $0.embedded.head + state("s", Small.V).value }
    expect(unruled, "state: \"s\" has no rule", hint: ".update(to:")
    // A routing that is none has had its bias.
    let limited = errors { text in
      let (x, bias) = (text.embedded, routerBias("bias", Small.C))
      let scores = x.limited(toGroups: 40, of: 80)
      return x.routed(by: scores.top(1).softmax().balanced(by: bias)).combined().head
    }
    #expect(limited.count == 1 && limited[0].message.contains("cannot keep 40"), "\(limited)")
    let twice = errors { text in
      let (x, s) = (text.embedded, state("s", Small.C))
      s.update(to: x.mean(over: Small.B, Small.T))
      s.update(to: x.sum(over: Small.B, Small.T))
      return x.head
    }
    expect(twice, "update: \"s\" has a rule already", hint: "the first one is at")
    let type = errors { text in
      let (x, s) = (text.embedded, state("s", Small.C))
      s.update(to: x)
      return x.head
    }
    expect(
      type, "update: \"s\" is f32[C], its new value f32[B, T, C]", hint: ".mean(over:)")
    let itself = errors { text in
      let s = state("s", Small.C)
      s.update(to: s.value)
      return text.embedded.head
    }
    #expect(itself.count == 1 && itself[0].message.contains("expected something computed"))
    let name = errors { text in
      let s = state("token.weight", Small.C)
      s.update(to: s.value + 1)
      return text.embedded.head
    }
    #expect(name.count == 1 && name[0].message.contains("exists already"))
    let first = errors { text in
      state("s", Small.C, initial: .infinity).update(to: text.embedded.mean(over: Small.B, Small.T))
      return text.positionsAndTokens.head
    }
    #expect(first.map(\.message) == ["state: the first value must be finite, got inf"])
  }

  @Test func wrongSums() {
    let middle = errors { $0.embedded.sum(over: Small.B, Small.C).head }
    expect(
      middle, "sum: cannot leave out [B, C] of f32[B, T, C]", hint: "must be neighbours")
    let integers = errors { ($0.tokens.mean() + $0.embedded).head }
    #expect(integers.count == 1 && integers[0].message.contains("expected a tensor of numbers"))
  }
}
