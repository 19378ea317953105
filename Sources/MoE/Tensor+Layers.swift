import GraphIR

extension Tensor {
  /// A linear layer over the last axis with weights of its own.
  ///
  ///     y[r, :] = w x[r, :] + b    x f32[…, I], w f32[output, I], b f32[output] -> f32[…, output]
  ///
  /// Creates `<scope>.<name>.weight`, drawn by `weights` or else the model's `linearWeights`, and
  /// `<scope>.<name>.bias`, uniform in ±1/√I, unless `bias` is false.
  public func linear(
    _ name: String, _ output: Axis, bias: Bool = true, weights: WeightInitializer? = nil,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("linear", layer: name, file, line, column)
    return tracer.linear(self, named: name, to: output, bias: bias, weights: weights, call)
      .keeping(width: width)
  }

  /// A linear layer with weights from elsewhere, such as the token table.
  ///
  ///     y[r, :] = w x[r, :] + b    x f32[…, I], weight f32[O, I], bias f32[O] -> f32[…, O]
  public func linear(
    weight: Tensor, bias: Tensor? = nil,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("linear", file, line, column)
    let operands = [self, weight] + (bias.map { [$0] } ?? [])
    return tracer.tensor(.linear(Linear(bias: bias != nil)), operands, call).keeping(width: width)
  }

  /// A learned vector for each whole number: a row of a table of its own.
  ///
  ///     y[n, :] = table[x[n], :]    x i32[…], table f32[entries, width] -> f32[…, width]
  ///
  /// Creates `<scope>.<name>.weight`, N(0, 1) unless `weights` says otherwise; there are as many
  /// entries as characters for `text.tokens`, as positions for `text.positions`.
  public func embedding(
    _ name: String, _ width: Axis, weights: WeightInitializer = .normal(1),
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("embedding", layer: name, file, line, column)
    tracer.claim(name, call)
    tracer.check(weights, call)
    let width = tracer.use(width, call)
    guard let entries = countedAxis(call), let width else { return tracer.poison(call.site) }
    let axes = [entries, width]
    let table = tracer.parameter("\(call.scope).weight", axes, weights.initializer(axes), call)
    return tracer.tensor(.embedding(Embedding()), [self, table], call)
  }

  /// Rows of a table that others use too.
  ///
  ///     y[n, :] = table[x[n], :]    x i32[…], table f32[entries, width] -> f32[…, width]
  public func embedding(
    _ table: Tensor, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("embedding", file, line, column)
    guard let entries = countedAxis(call), let type = table.type else {
      return tracer.poison(call.site)
    }
    guard type.axes.first == entries else {
      tracer.report(
        "expected a table [\(entries), width], got \(type)", call,
        hint: "make one with parameter(name, \(entries), width)")
      return tracer.poison(call.site)
    }
    return tracer.tensor(.embedding(Embedding()), [self, table], call)
  }

  /// What this tensor's integers count, or nil after reporting that it has none.
  private func countedAxis(_ call: Call) -> GraphIR.Axis? {
    guard let type else { return nil }
    if let entries, type.element == .i32 { return entries }
    tracer.report(
      "expected whole numbers, got \(type)", call,
      hint: "text.tokens and text.positions have embeddings")
    return nil
  }
}
