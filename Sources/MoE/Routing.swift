import GraphIR

/// The largest scores of each token and the experts they belong to.
public struct TopK: Sendable {
  let values: Tensor
  let indices: Tensor

  /// Of what the values were chosen, one for each expert.
  let scores: Tensor
  let experts: GraphIR.Axis?

  /// The weights of the chosen experts: exp(x) / Σ exp(x) over them alone, so that they sum to 1.
  ///
  ///     f32[B, T, K] -> weights f32[B, T, K]
  public func softmax(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routing {
    let call = values.tracer.call("softmax", file, line, column)
    return routing(values.tracer.tensor(.softmax(Softmax()), [values], call), areLogits: true)
  }

  /// The scores themselves as weights of the chosen experts: of `logits.softmax().top(2)` they sum to less
  /// than 1, and every expert's logit gets a gradient.
  ///
  ///     weights = scale x    f32[B, T, K] -> f32[B, T, K]
  ///
  /// Error: a scale that is not a finite number other than 0.
  public func weights(
    scaled scale: Double = 1, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routing {
    let call = values.tracer.call("weights", file, line, column)
    return routing(scale == 1 ? values : values.scaled(scale, call), areLogits: false)
  }

  /// The scores divided by their sum over the chosen experts.
  ///
  ///     weights = scale x / (Σ x + epsilon)    f32[B, T, K] -> f32[B, T, K]
  ///
  /// Of one chosen expert the weight is always the scale, and its router learns nothing by it. Error: a scale
  /// that is not a finite number other than 0.
  public func normalized(
    scaled scale: Double = 1, epsilon: Double = 1e-20,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routing {
    let call = values.tracer.call("normalized", file, line, column)
    guard let axes = values.type?.axes else { return routing(values, areLogits: false) }
    if !(Float(epsilon).isFinite && epsilon >= 0) {
      values.tracer.report("epsilon must be a number of at least 0, got \(epsilon)", call)
    }
    let sum = values.sum(to: axes.dropLast(), call)
    let shares = values.combining(.input(0) / (.input(1) + .constant(epsilon)), [sum], call)
    return routing(scale == 1 ? shares : shares.scaled(scale, call), areLogits: false)
  }

  private func routing(_ weights: Tensor, areLogits: Bool) -> Routing {
    Routing(
      weights: weights, indices: indices, scores: scores, areLogits: areLogits, experts: experts)
  }
}

/// Which experts see a token, and how much each one counts.
public struct Routing: Sendable {
  let weights: Tensor
  let indices: Tensor

  /// One score for each expert, as they were before the choice, and whether a softmax makes shares of them.
  let scores: Tensor
  let areLogits: Bool
  let experts: GraphIR.Axis?
}

extension Tensor {
  func scaled(_ scale: Double, _ call: Call) -> Tensor {
    if Float(scale).isFinite && Float(scale) != 0 {
      return elementwise(.constant(scale) * .input(0), call)
    }
    tracer.report("the scale must be a finite number other than 0, got \(scale)", call)
    return tracer.poison(call.site)
  }

  /// f of its elements and those of others.
  func combining(_ f: ScalarExpression, _ others: [Tensor], _ call: Call) -> Tensor {
    tracer.tensor(.pointwise(Pointwise(f)), [self] + others, call)
  }

  /// The sum that leaves these axes.
  func sum(to axes: [GraphIR.Axis], _ call: Call) -> Tensor {
    type?.axes == axes ? self : tracer.tensor(.sum(Sum(to: axes)), [self], call)
  }
}

extension TopK: Relocatable {
  func relocated(to site: Site) -> TopK {
    TopK(
      values: values.relocated(to: site), indices: indices.relocated(to: site),
      scores: scores.relocated(to: site), experts: experts)
  }
}

extension Routing: Relocatable {
  func relocated(to site: Site) -> Routing {
    Routing(
      weights: weights.relocated(to: site), indices: indices.relocated(to: site),
      scores: scores.relocated(to: site), areLogits: areLogits, experts: experts)
  }
}

extension Tensor {
  /// The `count` largest logits of each token; of equal ones the lower expert wins.
  ///
  ///     f32[B, T, E] -> values f32[B, T, K], indices i32[B, T, K], in ascending expert order
  ///
  /// With `by` other scores choose, such as these with a bias, and no gradient reaches those. The new axis
  /// is called K, or K2, … where that name has another size. Errors: a count below 1 or above the number of
  /// experts, or of those in the groups to which scores are limited; scores of another shape.
  public func top(
    _ count: Int, by others: Tensor? = nil,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> TopK {
    let call = tracer.call("top", file, line, column)
    guard let others else { return top(count, call) }
    let choice = others.top(count, call)
    if let type, let given = others.type, type != given {
      tracer.report("the scores that choose must be \(type) like those chosen, got \(given)", call)
      return choice
    }
    let values = tracer.tensor(.gather(Gather()), [self, choice.indices], call)
    return TopK(values: values, indices: choice.indices, scores: self, experts: choice.experts)
  }

  func top(_ count: Int, _ call: Call) -> TopK {
    guard let results = chosen(count, call) else {
      let poison = tracer.poison(call.site)
      return TopK(values: poison, indices: poison, scores: poison, experts: nil)
    }
    return TopK(
      values: Tensor(tracer, results[0], call.site),
      indices: Tensor(tracer, results[1], call.site), scores: self, experts: type?.axes.last)
  }

  private func chosen(_ count: Int, _ call: Call) -> [Value]? {
    guard let experts = type?.axes.last else { return nil }
    guard count >= 1, count <= experts.size else {
      tracer.report(
        "cannot choose \(count) of \(experts.named) experts", call,
        hint: "choose from 1 to \(experts.size)")
      return nil
    }
    if let choosable, count > choosable {
      tracer.report(
        "cannot choose \(count) of the \(choosable) experts whose groups are kept", call,
        hint: "keep more groups, or choose from 1 to \(choosable)")
      return nil
    }
    let chosen = tracer.automaticAxis("K", count, call)
    return tracer.emit(.top(Top(chosen: chosen)), [self], call)
  }
}
