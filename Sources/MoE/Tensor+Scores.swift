import GraphIR

extension Tensor {
  /// The scores of the best groups of experts, those of the others so small that none of them is chosen.
  ///
  ///     y[…, e] = x[…, e] where the group of e is among the `kept` best, else about -1e30
  ///
  ///     f32[…, E] -> f32[…, E], to choose by: no gradient passes
  ///
  /// Neighbouring experts make a group. It is as good as its `best` largest scores together: 2 in DeepSeek-V3,
  /// where `s.top(8, by: (s + bias.value).limited(toGroups: 4, of: 8))` chooses, and 1 in DeepSeek-V2. Errors:
  /// groups that do not divide the experts, more kept than there are, more scores than a group has.
  public func limited(
    toGroups kept: Int, of groups: Int, byBest best: Int = 2,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("limited", file, line, column)
    guard let type, let experts = type.axes.last else { return tracer.poison(call.site) }
    guard groups >= 1, experts.size % groups == 0, (1...groups).contains(kept),
      (1...experts.size / groups).contains(best)
    else {
      tracer.report(
        "cannot keep \(kept) of \(groups) groups of \(experts.named) experts by their best \(best)",
        call,
        hint: groups >= 1 && experts.size % groups != 0
          ? "\(experts.size) experts cannot be cut into \(groups) equal groups"
          : "groups are equal, and have that many experts or more")
      return tracer.poison(call.site)
    }
    let axes = [
      tracer.automaticAxis("G", groups, call),
      tracer.automaticAxis("N", experts.size / groups, call),
    ]
    let fixed = elementwise(.unary(.stop, .input(0)), call)
    let cut = tracer.tensor(.reshape(Reshape(last: 1, as: axes)), [fixed], call)
    let sums = cut.top(best, call).values.sum(to: type.axes.dropLast() + [axes[0]], call)
    let choice = sums.top(kept, call)
    let ones = choice.values.elementwise(.constant(1), call)
    let marks = tracer.tensor(.scatter(Scatter(experts: axes[0])), [ones, choice.indices], call)
    let f = ScalarExpression.input(0) + .constant(1e30) * (.input(1) - .constant(1))
    let limited = cut.combining(f, [marks], call)
    var scores = tracer.tensor(.reshape(Reshape(last: 2, as: [experts])), [limited], call)
    scores.choosable = kept * axes[1].size
    return scores
  }

  /// Scores that, in training, send about as many tokens to each expert, by rounds of Sinkhorn's iteration
  /// (Clark et al. 2022); outside of training the scores as they are.
  ///
  ///     y = d₁ exp(x) d₀, d₀ = 1 / (T Σ_e d₁ exp(x)), d₁ = 1 / (E Σ_t d₀ exp(x))    f32[…, E] -> f32[…, E]
  ///
  /// It is to choose by, and no gradient passes: `z.softmax().top(2, by: z.sinkhorn())`. All tokens of the batch
  /// have a part in each choice, in training. Error: no round.
  public func sinkhorn(
    rounds: Int = 8, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("sinkhorn", file, line, column)
    guard let type, let experts = type.axes.last else { return tracer.poison(call.site) }
    guard (1...100).contains(rounds) else {
      tracer.report("expected 1 to 100 rounds, got \(rounds)", call)
      return tracer.poison(call.site)
    }
    let tokens = Array(type.axes.dropLast())
    let powers = elementwise(.unary(.exp, .unary(.stop, .input(0))), call)
    func normalized(_ sums: Tensor, _ count: Int) -> Tensor {
      sums.elementwise(
        .constant(1 / Double(count)) / (.input(0) + .constant(1e-8)), call)
    }
    let product = ScalarExpression.input(0) * .input(1)
    var ofTokens = normalized(powers.sum(to: tokens, call), type.count / experts.size)
    var ofExperts = tracer.poison(call.site)
    for round in 0..<rounds {
      if round > 0 {
        let sums = powers.combining(product, [ofExperts], call).sum(to: tokens, call)
        ofTokens = normalized(sums, type.count / experts.size)
      }
      let sums = powers.combining(product, [ofTokens], call).sum(to: [experts], call)
      ofExperts = normalized(sums, experts.size)
    }
    // (1 - dropout's factor at a rate of 1/2)² is 1 in training and 0 outside.
    let sign = .constant(1) - ScalarExpression.keep(stream: tracer.nextStream(), rate: 0.5)
    let f =
      sign * sign * (.input(1) * .input(2) * .input(3) - .unary(.stop, .input(0)))
      + .unary(.stop, .input(0))
    return combining(f, [powers, ofTokens, ofExperts], call)
  }
}
