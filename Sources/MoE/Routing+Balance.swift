import GraphIR

/// Over which tokens experts are to share alike.
public enum BalanceGroup: Sendable {
  /// Over all tokens of the batch.
  case batch

  /// Over those of each sequence by itself, as DeepSeek's; the loss is the mean over sequences, each by how
  /// many of its targets are not ignored.
  case sequence
}

extension Routing {
  /// Which experts each token chose: 1 for those, 0 for the others; no gradient passes.
  ///
  ///     f32[B, T, E]
  public func chosen(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { marks(weights.tracer.call("chosen", file, line, column)) }

  /// The weight of every expert for each token, 0 for those that it did not choose.
  ///
  ///     f32[B, T, E]
  public func allWeights(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { spread(weights, weights.tracer.call("allWeights", file, line, column)) }

  /// Adds a loss to training that is least where all experts are chosen alike (Fedus et al. 2021), of the
  /// tokens whose targets are not ignored.
  ///
  ///     weight · E Σ_e f_e p_e    f_e: the share of all choices that fell on e
  ///     p_e: its mean share of the scores, which has the gradient
  ///
  /// It is `weight` where experts share alike, whatever the number chosen: Switch's, Megatron's and OLMo's
  /// convention. Hugging Face's is as many times that as experts are chosen. The shares of logits are their
  /// softmax; of other scores, scores divided by their sum. The loss is the term `<scope>.<name>`. Errors: those
  /// of `auxiliary`, a negative weight.
  @discardableResult
  public func balanced(
    _ weight: Double, over group: BalanceGroup = .batch, name: String = "balance",
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routing {
    let tracer = weights.tracer
    let call = tracer.call("balanced", layer: name, file, line, column)
    guard let type = scores.type, let experts else { return self }
    let tokens = CountedTokens(of: [scores], call)
    let kept = group == .batch || type.axes.count < 3 ? [experts] : [type.axes[0], experts]
    let chosen = marks(of: tokens, call).sum(to: kept, call)
    let shares = tokens.mean(shares(call), to: kept, within: kept.dropLast())
    let rows = Double(tokens.rows(of: scores))
    let sum = chosen.combining(.input(0) * .input(1), [shares], call).sum(to: [], call)
    let factor = Double(experts.size) / (Double(count) * rows * rows)
    tracer.addLoss(name, weight, tokens.divided(sum, factor: factor), call)
    return self
  }

  /// Adds a loss that is least where all experts have the same sum of weights (Shazeer et al. 2017).
  ///
  ///     weight · variance / mean²    of Σ_t weights[t, e] over experts e; the variance is that of all experts
  ///
  /// Tokens whose targets are ignored have no part in the sums. The loss is the term `<scope>.<name>`. Errors: those of
  /// `auxiliary`, a negative weight.
  @discardableResult
  public func importance(
    _ weight: Double, name: String = "importance",
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routing {
    let call = weights.tracer.call("importance", layer: name, file, line, column)
    guard let experts else { return self }
    let tokens = CountedTokens(of: [weights], call)
    let sums = tokens.sum(spread(weights, call), to: [experts])
    weights.tracer.addLoss(name, weight, sums.squaredVariation(call), call)
    return self
  }

  /// Adds a loss that is least where noise would send as many tokens to each expert (Shazeer et al. 2017).
  ///
  ///     weight · variance / mean²    of Σ_t P[t, e] over experts e; the variance is that of all experts
  ///     P[t, e] = Φ((clean[t, e] - threshold[t, e]) / spread[t, e]), the probability that e is chosen if its
  ///     noise is drawn again: the threshold is the largest score that was not chosen, for experts that were
  ///     chosen, and the smallest that was, for the others
  ///
  ///     clean, spread f32[B, T, E], the routing's scores are clean + noise · spread
  ///
  /// Tokens whose targets are ignored have no part in the sums. The loss is the term `<scope>.<name>`. Errors: all
  /// experts chosen, other shapes, those of `auxiliary`, a negative weight.
  @discardableResult
  public func load(
    _ weight: Double, clean: Tensor, spread: Tensor, name: String = "load",
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routing {
    let tracer = weights.tracer
    let call = tracer.call("load", layer: name, file, line, column)
    guard let type = scores.type, let experts else { return self }
    guard count < experts.size else {
      tracer.report("all \(experts.named) experts are chosen, whatever the noise", call)
      return self
    }
    for other in [clean, spread] {
      guard let given = other.type, given != type else { continue }
      tracer.report("expected \(type) like the scores, got \(given)", call)
      return self
    }
    let marks = marks(call)
    let thresholds = thresholds(marks, call)
    let f = (ScalarExpression.input(0) - .input(1)) / .input(2) * .constant(0.5.squareRoot())
    let probability = ScalarExpression.constant(0.5) * (.constant(1) + .unary(.erf, f))
    let tokens = CountedTokens(of: [scores], call)
    let sums = tokens.sum(
      clean.combining(probability, [thresholds, spread], call), to: [experts])
    tracer.addLoss(name, weight, sums.squaredVariation(call), call)
    return self
  }

  /// What each expert's score has to exceed to be chosen, the others as they are.
  private func thresholds(_ marks: Tensor, _ call: Call) -> Tensor {
    let last = scores.top(count, call).values.extreme(isLargest: false, call)
    let next = scores.top(count + 1, call).values.extreme(isLargest: false, call)
    let f = ScalarExpression.input(0) * .input(1) + (.constant(1) - .input(0)) * .input(2)
    return marks.combining(f, [next, last], call)
  }

  /// Turns a bias of the choice towards experts that had less: after a step of the optimizer each expert's
  /// moves by the bias's rate, up where fewer than the mean chose it, down where more did.
  ///
  ///     b_e += rate sign(mean of N - N_e)    N_e: how many choices of the step's batches fell on e, by tokens
  ///     whose targets are not ignored
  ///
  /// No loss and no gradient are in it (DeepSeek-V3). Choose with it: `s.top(8, by: s + bias.value)`.
  @discardableResult
  public func balanced(
    by bias: RouterBias, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routing {
    let (tracer, call) = (weights.tracer, weights.tracer.call("balanced", file, line, column))
    guard let experts else {
      // Something else is wrong; the bias has its rule.
      tracer.update(bias.state, to: tracer.poison(call.site), call)
      return self
    }
    let counts = marks(of: CountedTokens(of: [scores], call), call).sum(to: [experts], call)
    // Whole numbers, which single precision holds: a mean would be rounded.
    let f = ScalarExpression.input(1) - .constant(Double(experts.size)) * .input(0)
    let direction = counts.combining(f, [counts.sum(to: [], call)], call)
    tracer.update(bias.state, to: direction, call)
    return self
  }

  /// How many experts a token chooses.
  private var count: Int { weights.type?.width ?? 1 }

  private func marks(_ call: Call) -> Tensor {
    spread(weights.elementwise(.constant(1), call), call)
  }

  /// `chosen`, all 0 for tokens that do not count.
  fileprivate func marks(of tokens: CountedTokens, _ call: Call) -> Tensor {
    guard let counted = tokens.marks else { return marks(call) }
    return spread(counted.combining(.input(0), [weights], call), call)
  }

  private func spread(_ values: Tensor, _ call: Call) -> Tensor {
    guard let experts else { return weights.tracer.poison(call.site) }
    return weights.tracer.tensor(.scatter(Scatter(experts: experts)), [values, indices], call)
  }

  /// Positive scores whose sum over the experts is 1.
  func shares(_ call: Call) -> Tensor {
    let tracer = scores.tracer
    if areLogits { return tracer.tensor(.softmax(Softmax()), [scores], call) }
    guard let value = scores.value, let axes = scores.type?.axes else { return scores }
    if case .softmax = tracer.builder.graph.nodes[value.node].op { return scores }
    let f = ScalarExpression.input(0) / (.input(1) + .constant(1e-20))
    return scores.combining(f, [scores.sum(to: axes.dropLast(), call)], call)
  }
}

/// Adds Switch's loss over several layers at once, as Hugging Face's models do.
///
///     weight · E Σ_e f_e p_e    f_e: how many choices fell on e for each token, p_e: its mean share of the
///     scores, both over the tokens of all layers whose targets are not ignored
///
/// It is K · `weight` where experts share alike, and layers can make up for one another. The loss is the term
/// `<scope>.<name>`. Errors: no routing, other numbers of experts, those of `auxiliary`, a negative weight.
public func balance(
  _ routings: [Routing], weight: Double, name: String = "balance",
  file: String = #filePath, line: Int = #line, column: Int = #column
) {
  let site = Site(file, line, column, name: "balance")
  guard let first = routings.first, let tracer = Tracer.current else {
    guard let tracer = Tracer.current else { return }
    return tracer.report(
      "balance: there is no routing", at: site, hint: "collect those of the layers")
  }
  let call = tracer.call("balance", layer: name, file, line, column)
  guard let experts = first.experts else { return }
  guard routings.allSatisfy({ $0.experts == experts }) else {
    return tracer.report("the routings have different experts", call)
  }
  let tokens = CountedTokens(of: routings.map(\.scores), call)
  let rows = Double(routings.reduce(0) { $0 + tokens.rows(of: $1.scores) })
  let chosen = tracer.total(
    routings.map { $0.marks(of: tokens, call).sum(to: [experts], call) }, call)
  let shares = tracer.total(
    routings.map { tokens.mean($0.shares(call), to: [experts]) }, call)
  let sum = chosen.combining(.input(0) * .input(1), [shares], call).sum(to: [], call)
  let factor = Double(experts.size) / (rows * rows)
  tracer.addLoss(name, weight, tokens.divided(sum, factor: factor), call)
}

extension Tracer {
  fileprivate func total(_ tensors: [Tensor], _ call: Call) -> Tensor {
    tensors.dropFirst().reduce(tensors[0]) { $0.combining(.input(0) + .input(1), [$1], call) }
  }
}

extension Tensor {
  /// variance / mean² of all its numbers, of which the variance is that of all there are.
  func squaredVariation(_ call: Call) -> Tensor {
    guard let count = type?.count else { return self }
    let share = ScalarExpression.constant(1 / Double(count))
    let mean = sum(to: [], call).elementwise(share * .input(0), call)
    let difference = ScalarExpression.input(0) - .input(1)
    let variance = combining(difference * difference, [mean], call).sum(to: [], call)
    let squared = ScalarExpression.input(1) * .input(1) + .constant(1e-10)
    return variance.combining(share * .input(0) / squared, [mean], call)
  }

  /// Adds a loss that keeps a router's logits small (Zoph et al. 2022).
  ///
  ///     weight · mean of (log Σ_e exp(z_e))²    z f32[…, E] -> z
  ///
  /// Of z f32[B, T, …, E] the mean is over tokens whose targets are not ignored.
  /// The loss is the term `<scope>.<name>`. Errors: those of
  /// `auxiliary`, a negative weight.
  @discardableResult
  public func zLoss(
    _ weight: Double, name: String = "z",
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("zLoss", layer: name, file, line, column)
    let logarithms = logSumExp(call)
    let tokens = CountedTokens(of: [self], call)
    let squares = logarithms.elementwise(.input(0) * .input(0), call)
    let rows = Double(tokens.rows(of: self))
    tracer.addLoss(
      name, weight, tokens.divided(tokens.sum(squares, to: []), factor: 1 / rows), call)
    return self
  }
}
