import GraphIR

extension Tensor {
  /// The sum over some axes, which are neighbours; over all if none is given.
  ///
  ///     y[c] = Σ_r x[r, c]    f32[R…, C…] -> f32[C…]
  ///
  /// Axes that are there twice are those that x begins with, else those that it ends with. Error: axes that are
  /// not neighbours.
  public func sum(
    over axes: Axis..., file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { summed(axes, tracer.call("sum", file, line, column)) { _ in nil } }

  /// The mean over some axes, which are neighbours; over all if none is given.
  ///
  ///     y[c] = Σ_r x[r, c] / |R|    f32[R…, C…] -> f32[C…]
  ///
  /// Axes that are there twice are those that x begins with, else those that it ends with. Error: axes that are
  /// not neighbours.
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
    let last = type.axes.count - axes.count
    for start in [0, last] + Array(0...Swift.max(last, 0)) where start >= 0 && start <= last {
      guard Array(type.axes[start..<start + axes.count]) == axes else { continue }
      let rest = Array(type.axes.prefix(start) + type.axes.dropFirst(start + axes.count))
      // A sum that leaves axes which are elsewhere too would be taken over others.
      if Repetition(of: rest, in: type.axes)?.before == start { return rest }
    }
    tracer.report(
      "cannot leave out [\(axes.map(\.description).joined(separator: ", "))] of \(type)", call,
      hint: "they must be neighbours, in their order")
    return nil
  }
}
