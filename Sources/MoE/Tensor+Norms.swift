import GraphIR

extension Tensor {
  /// Layer normalisation over the last axis, with a learned weight (1) and, unless `bias` is false, bias (0).
  ///
  ///     y = (x - mean) / √(variance + epsilon) w + b    x f32[…, C], w, b f32[C] -> f32[…, C]
  public func layerNorm(
    _ name: String, epsilon: Double = 1e-5, bias: Bool = true,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("layerNorm", layer: name, file, line, column)
    tracer.claim(name, call)
    checkEpsilon(epsilon, call)
    guard let width = normalizedAxis(call) else { return tracer.poison(call.site) }
    let weight = tracer.parameter("\(call.scope).weight", [width], .ones, call)
    let addends = bias ? [tracer.parameter("\(call.scope).bias", [width], .zeros, call)] : []
    let op = LayerNorm(epsilon: epsilon, bias: bias)
    return tracer.tensor(.layerNorm(op), [self, weight] + addends, call)
      .keeping(width: self.width)
  }

  /// Root mean square normalisation over the last axis, with a learned weight (1).
  ///
  ///     y = x / √(mean of x² + epsilon) w    x f32[…, C], w f32[C] -> f32[…, C]
  ///
  /// Creates `<scope>.<name>.weight`. Llama and its kin use an epsilon of 1e-6 or 1e-5.
  public func rmsNorm(
    _ name: String, epsilon: Double = 1e-5,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("rmsNorm", layer: name, file, line, column)
    tracer.claim(name, call)
    return tracer.rmsNorm(self, epsilon, isWeighted: true, call)
  }

  /// Root mean square normalisation over the last axis, without a weight.
  ///
  ///     y = x / √(mean of x² + epsilon)    f32[…, C] -> f32[…, C]
  public func rmsNorm(
    epsilon: Double = 1e-5, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    tracer.rmsNorm(self, epsilon, isWeighted: false, tracer.call("rmsNorm", file, line, column))
  }

  fileprivate func normalizedAxis(_ call: Call) -> GraphIR.Axis? {
    guard let type else { return nil }
    if let axis = type.axes.last, type.element == .f32 { return axis }
    tracer.report(
      "expected a tensor of numbers with at least one axis, got \(type)", call,
      hint: "whole numbers become vectors with .embedding(name, axis)")
    return nil
  }

  fileprivate func checkEpsilon(_ epsilon: Double, _ call: Call) {
    if epsilon > 0 && epsilon.isFinite { return }
    tracer.report(
      "epsilon must be a number above 0, got \(epsilon)", call, hint: "1e-5 is usual")
  }
}

extension Routed {
  /// Root mean square normalisation over the last axis, with a learned weight (1) for each expert e.
  ///
  ///     y[r, :] = x[r, :] / √(mean of x[r, :]² + epsilon) w[e]    f32[R, C] by E, w f32[E, C] -> f32[R, C] by E
  ///
  /// Creates `<scope>.<name>.weight`.
  public func rmsNorm(
    _ name: String, epsilon: Double = 1e-5,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed {
    let call = rows.tracer.call("rmsNorm", layer: name, file, line, column)
    rows.tracer.claim(name, call)
    return with(
      rows.tracer.rmsNorm(rows, epsilon, isWeighted: true, start: route.first, call))
  }

  /// Root mean square normalisation over the last axis, without a weight.
  ///
  ///     y[r, :] = x[r, :] / √(mean of x[r, :]² + epsilon)    f32[R, C] by E -> f32[R, C] by E
  public func rmsNorm(
    epsilon: Double = 1e-5, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed {
    with(rows.rmsNorm(epsilon: epsilon, file: file, line: line, column: column))
  }
}

extension Tracer {
  /// One weight for all rows, or one for each expert, whose rows begin at `start`.
  fileprivate func rmsNorm(
    _ x: Tensor, _ epsilon: Double, isWeighted: Bool, start: Value? = nil, _ call: Call
  ) -> Tensor {
    x.checkEpsilon(epsilon, call)
    guard let width = x.normalizedAxis(call), let type = x.type else { return poison(call.site) }
    var operands = [x]
    if isWeighted {
      let axes = (type.experts.map { [$0] } ?? []) + [width]
      let isByExpert = type.experts != nil
      operands.append(
        parameter("\(call.scope).weight", axes, .ones, ofExperts: isByExpert, call))
      if let start, type.experts != nil { operands.append(Tensor(self, start, call.site)) }
    }
    let op = RMSNorm(epsilon: epsilon, weight: isWeighted)
    return tensor(.rmsNorm(op), operands, call).keeping(width: x.width)
  }
}
