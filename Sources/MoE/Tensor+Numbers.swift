import GraphIR

extension Tensor {
  /// Whole numbers to calculate with, such as the positions of a text.
  ///
  ///     y[n] = x[n]    i32[N…] -> f32[N…]
  ///
  /// Positions are a token's own, also where generation keeps keys and values. Error: what is no whole
  /// numbers.
  public func numbers(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { numbers(width: nil, tracer.call("numbers", file, line, column)) }

  /// Whole numbers to calculate with, each as often as an axis is long.
  ///
  ///     y[n, :] = x[n]    i32[N…] -> f32[N…, axis]
  ///
  /// `text.positions.numbers(over: D) * turns`, of `turns` f32[D], is an angle for each position and column.
  /// Error: what is no whole numbers.
  public func numbers(
    over axis: Axis, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("numbers", file, line, column)
    guard let width = tracer.use(axis, call) else { return tracer.poison(call.site) }
    return numbers(width: width, call)
  }

  private func numbers(width: GraphIR.Axis?, _ call: Call) -> Tensor {
    guard let type else { return tracer.poison(call.site) }
    guard type.element == .i32 else {
      tracer.report(
        "expected whole numbers, got \(type)", call,
        hint: "text.tokens and text.positions are whole; other tensors are numbers already")
      return tracer.poison(call.site)
    }
    return tracer.tensor(.numbers(Numbers(width: width)), [self], call)
  }
}

extension Axis {
  /// The numbers of the axis's places, to make functions along it.
  ///
  ///     y[i] = i    -> f32[A]
  ///
  /// Of a text's positions, `text.positions.numbers()` are those that a pass has. It is called in the model's
  /// closure; elsewhere it is an error.
  public func indices(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    guard let tracer = Tracer.current else {
      Terminal.fail([
        Diagnostic(
          at: Site(file, line, column, name: "indices").location,
          "indices: those of \(self) are made outside a model",
          hint: "make them in LanguageModel's closure")
      ])
    }
    let call = tracer.call("indices", file, line, column)
    guard let axis = tracer.use(self, call) else { return tracer.poison(call.site) }
    return tracer.tensor(.indices(Indices(axis)), [], call)
  }
}
