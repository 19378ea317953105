import GraphIR

extension Tensor {
  /// Some neighbouring numbers of the last axis.
  ///
  ///     y[…, d] = x[…, start + d]    f32[…, C] -> f32[…, D]
  ///
  /// Error: more than there are.
  public func slice(
    _ axis: Axis, from start: Int,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { slice(axis, from: start, tracer.call("slice", file, line, column)) }

  fileprivate func slice(_ axis: Axis, from start: Int, _ call: Call) -> Tensor {
    guard let axis = tracer.use(axis, call) else { return tracer.poison(call.site) }
    return tracer.tensor(.slice(Slice(axis, from: start)), [self], call)
  }

  /// The last axis in parts, one after the other.
  ///
  ///     f32[…, C] -> f32[…, A], f32[…, B], …    A + B + … = C
  ///
  /// Error: parts that do not fill the axis.
  public func split(
    _ axes: Axis..., file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> [Tensor] {
    let call = tracer.call("split", file, line, column)
    let total = axes.reduce(0) { $0 + $1.size }
    if let type, type.width != total {
      tracer.report("the parts have \(total) numbers, \(type) has \(type.width)", call)
      return axes.map { _ in tracer.poison(call.site) }
    }
    var start = 0
    return axes.map { axis in
      defer { start += axis.size }
      return slice(axis, from: start, call)
    }
  }

  /// Other last axes for the same numbers, in the same order.
  ///
  ///     f32[…, C] -> f32[…, G, D], G D = C    or back, with `last: 2`
  ///
  /// Error: axes that have more numbers, or fewer.
  public func reshaped(
    last replaced: Int = 1, to axes: Axis...,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("reshaped", file, line, column)
    let used = axes.compactMap { tracer.use($0, call) }
    guard used.count == axes.count else { return tracer.poison(call.site) }
    return tracer.tensor(.reshape(Reshape(last: replaced, as: used)), [self], call)
  }

  /// The largest number along the last axis.
  ///
  ///     y[…] = max_c x[…, c]    f32[…, C] -> f32[…]
  ///
  /// The gradient goes to that number; of equal ones to the first. Error: another axis than the last.
  public func max(
    over axis: Axis, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("max", file, line, column)
    guard let type else { return tracer.poison(call.site) }
    guard type.axes.last == axis.core else {
      tracer.report("expected the last axis of \(type), got \(axis)", call)
      return tracer.poison(call.site)
    }
    return extreme(isLargest: true, call)
  }

  /// The largest or the smallest number along the last axis.
  func extreme(isLargest: Bool, _ call: Call) -> Tensor {
    guard let axes = type?.axes else { return tracer.poison(call.site) }
    let numbers = isLargest ? self : elementwise(-.input(0), call)
    let largest = numbers.top(1, call).values.sum(to: axes.dropLast(), call)
    return isLargest ? largest : largest.elementwise(-.input(0), call)
  }

  /// The logarithm of a sum of exponentials along the last axis, of numbers of any size.
  ///
  ///     y[…] = log Σ_c exp(x[…, c])    f32[…, C] -> f32[…]
  public func logSumExp(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { logSumExp(tracer.call("logSumExp", file, line, column)) }

  func logSumExp(_ call: Call) -> Tensor {
    guard let axes = type?.axes else { return tracer.poison(call.site) }
    // What is subtracted is added again: the result does not depend on it, and no gradient need pass.
    let largest = extreme(isLargest: true, call).elementwise(.unary(.stop, .input(0)), call)
    let powers = combining(.unary(.exp, .input(0) - .input(1)), [largest], call)
    let sums = powers.sum(to: axes.dropLast(), call)
    return sums.combining(.unary(.log, .input(0)) + .input(1), [largest], call)
  }

  /// In training, every number times one drawn anew from 1 - `share` ... 1 + `share`.
  ///
  ///     y[i] = x[i] u[i], u[i] uniform    f32[…] -> f32[…]
  ///
  /// Switch's routers read what is jittered, Mixtral's experts do too. Error: a share that is not in 0 ..< 1.
  public func jittered(
    _ share: Double, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("jittered", file, line, column)
    guard share >= 0, share < 1 else {
      tracer.report("the share must be at least 0 and below 1, got \(share)", call)
      return tracer.poison(call.site)
    }
    if share == 0 { return self }
    // erf(n / √2) of a standard normal n is uniform in -1 ... 1. Dropout's factor at a rate of 1/2 less 1 is
    // a sign in training and 0 in evaluation.
    let normal = ScalarExpression.normal(stream: tracer.nextStream())
    let sign = .constant(1) - ScalarExpression.keep(stream: tracer.nextStream(), rate: 0.5)
    let uniform = ScalarExpression.unary(.erf, .constant(0.5.squareRoot()) * normal * sign)
    return elementwise(.input(0) * (.constant(1) + .constant(share) * uniform), call)
  }
}

/// Tensors side by side along the last axis.
///
///     f32[…, A], f32[…, B], … -> f32[…, axis]    A + B + … = axis
///
/// Error: other axes than the last that differ, or an axis of another size.
public func concatenated(
  _ parts: Tensor..., as axis: Axis,
  file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor {
  guard let tracer = parts.first?.tracer else {
    Terminal.fail([
      Diagnostic(
        at: Site(file, line, column, name: "concatenated").location,
        "concatenated: there is nothing to put side by side")
    ])
  }
  let call = tracer.call("concatenated", file, line, column)
  guard let axis = tracer.use(axis, call) else { return tracer.poison(call.site) }
  return tracer.tensor(.concatenate(Concatenate(axis, of: parts.count)), parts, call)
}

extension Routed {
  /// Some neighbouring numbers of each row, as of a tensor.
  ///
  ///     y[r, d] = x[r, start + d]    f32[R, C] by E -> f32[R, D] by E
  public func slice(
    _ axis: Axis, from start: Int,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.slice(axis, from: start, file: file, line: line, column: column)) }
}
