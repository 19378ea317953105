import GraphIR

extension Tensor {
  /// The sum over some axes, the first ones or the last ones; over all if none is given.
  ///
  ///     y[c] = Σ_r x[r, c]    f32[R…, C…] -> f32[C…]
  ///
  /// Error: axes that are neither the first nor the last ones.
  public func sum(
    over axes: Axis..., file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { summed(axes, tracer.call("sum", file, line, column)) { _ in nil } }

  /// The mean over some axes, the first ones or the last ones; over all if none is given.
  ///
  ///     y[c] = Σ_r x[r, c] / |R|    f32[R…, C…] -> f32[C…]
  ///
  /// Error: axes that are neither the first nor the last ones.
  public func mean(
    over axes: Axis..., file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { summed(axes, tracer.call("mean", file, line, column)) { 1 / Double($0) } }

  /// The sum, times a factor of how many numbers each one is of.
  private func summed(
    _ axes: [Axis], _ call: Call, _ factor: (Int) -> Double?
  ) -> Tensor {
    guard let type, let kept = kept(axes.map(\.core), of: type, call) else {
      return tracer.poison(call.site)
    }
    let sum = tracer.tensor(.sum(Sum(to: kept)), [self], call)
    guard let result = sum.type, let factor = factor(type.count / result.count) else { return sum }
    return tracer.tensor(.pointwise(Pointwise(.constant(factor) * .input(0))), [sum], call)
  }

  /// The axes that stay; nil after reporting that there are none to leave out.
  private func kept(
    _ axes: [GraphIR.Axis], of type: TensorType, _ call: Call
  ) -> [GraphIR.Axis]? {
    guard type.element == .f32, !type.axes.isEmpty else {
      tracer.report("expected a tensor of numbers with at least one axis, got \(type)", call)
      return nil
    }
    if axes.isEmpty { return [] }
    if type.axes.starts(with: axes) { return Array(type.axes.dropFirst(axes.count)) }
    let first = Array(type.axes.dropLast(axes.count))
    // A sum that leaves axes which are the last ones too would be taken over others.
    let isOne = !type.axes.hasSuffix(first)
    if type.axes.hasSuffix(axes), isOne || first.isEmpty { return first }
    tracer.report(
      "cannot leave out [\(axes.map(\.description).joined(separator: ", "))] of \(type)", call,
      hint: "they must be the first or the last axes, in their order")
    return nil
  }
}

extension [GraphIR.Axis] {
  fileprivate func hasSuffix(_ axes: [GraphIR.Axis]) -> Bool {
    count >= axes.count && Array(suffix(axes.count)) == axes
  }
}
