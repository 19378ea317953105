import GraphIR

/// Rows sorted by expert, `f32[B·T·K, C] by E`: what an expert sees.
///
/// A function on them is traced once for all experts; its weights are stacked, [E, out, in], and
/// each row meets those of its own expert.
public struct Routed: Sendable {
  var rows: Tensor

  /// How much each choice counts, f32[B, T, K].
  let weights: Tensor

  /// Start, source and slot, as the graph's `route` gives them; empty: poisoned.
  let route: [Value]

  func with(_ rows: Tensor) -> Routed { Routed(rows: rows, weights: weights, route: route) }

  /// A linear layer with one matrix per expert e.
  ///
  ///     y[r, :] = w[e] x[r, :] + b[e]    f32[R, I] by E, w f32[E, O, I] -> f32[R, O] by E
  ///
  /// Creates `<scope>.<name>.weight` and, unless `bias` is false, `<scope>.<name>.bias`.
  public func linear(
    _ name: String, _ output: Axis, bias: Bool = true, weights: WeightInitializer? = nil,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed {
    let call = rows.tracer.call("linear", layer: name, file, line, column)
    return with(
      rows.tracer.linear(
        rows, named: name, to: output, bias: bias, weights: weights, start: route.first, call))
  }

  /// Brings the rows back to their tokens: the sum of each token's rows, weighted by its routing.
  ///
  ///     y[n, :] = Σ_j weights[n, j] x[slot[n, j], :]    f32[B·T·K, C] by E -> f32[B, T, C]
  public func combined(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let tracer = rows.tracer
    let call = tracer.call("combined", file, line, column)
    guard let slot = route.last else { return tracer.poison(call.site) }
    let slots = Tensor(tracer, slot, call.site)
    return tracer.tensor(.combine(Combine()), [rows, weights, slots], call)
  }
}

extension Routed: Relocatable {
  func relocated(to site: Site) -> Routed { with(rows.relocated(to: site)) }
}

extension Routed: CustomStringConvertible {
  /// The type, such as `f32[B·T·K, C] by E`.
  public var description: String { rows.description }
}

extension Routed {
  /// Rectified linear unit.
  ///
  ///     y[i] = max(x[i], 0)    f32[R, C] by E -> f32[R, C] by E
  public func relu(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.relu(file: file, line: line, column: column)) }

  /// Gaussian error linear unit: the exact one, or GPT-2's.
  ///
  ///     y[i] = x[i] (1 + erf(x[i] / √2)) / 2    f32[R, C] by E -> f32[R, C] by E
  ///     y[i] = x[i] (1 + tanh(√(2 / π) (x[i] + 0.044715 x[i]³))) / 2    for .tanh
  public func gelu(
    _ form: GELU = .exact, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.gelu(form, file: file, line: line, column: column)) }

  /// Sigmoid linear unit, also called swish.
  ///
  ///     y[i] = x[i] / (1 + exp(-x[i]))    f32[R, C] by E -> f32[R, C] by E
  public func silu(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.silu(file: file, line: line, column: column)) }

  /// The logistic function.
  ///
  ///     y[i] = 1 / (1 + exp(-x[i]))    f32[R, C] by E -> f32[R, C] by E
  public func sigmoid(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.sigmoid(file: file, line: line, column: column)) }

  /// The hyperbolic tangent.
  ///
  ///     y[i] = tanh(x[i])    f32[R, C] by E -> f32[R, C] by E
  public func tanh(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.tanh(file: file, line: line, column: column)) }

  /// A smooth rectifier that is above 0 everywhere.
  ///
  ///     y[i] = log(1 + exp(x[i]))    f32[R, C] by E -> f32[R, C] by E
  public func softplus(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.softplus(file: file, line: line, column: column)) }

  /// In training each element becomes 0 with probability `rate` and x / (1 - rate) otherwise.
  ///
  ///     y[i] = x[i] keep[i] / (1 - rate)    f32[R, C] by E -> f32[R, C] by E
  public func dropout(
    _ rate: Double, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.dropout(rate, file: file, line: line, column: column)) }
}
