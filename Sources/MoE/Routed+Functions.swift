extension Routed {
  /// The square root; NaN below 0, and at 0 the gradient is infinite.
  ///
  ///     y[i] = √x[i]    f32[R, C] by E -> f32[R, C] by E
  public func sqrt(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.sqrt(file: file, line: line, column: column)) }

  /// The exponential function.
  ///
  ///     y[i] = exp(x[i])    f32[R, C] by E -> f32[R, C] by E
  public func exp(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.exp(file: file, line: line, column: column)) }

  /// The natural logarithm; minus infinity at 0, NaN below.
  ///
  ///     y[i] = log(x[i])    f32[R, C] by E -> f32[R, C] by E
  public func log(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.log(file: file, line: line, column: column)) }

  /// The sine of an angle in radians.
  ///
  ///     y[i] = sin(x[i])    f32[R, C] by E -> f32[R, C] by E
  public func sin(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.sin(file: file, line: line, column: column)) }

  /// The cosine of an angle in radians.
  ///
  ///     y[i] = cos(x[i])    f32[R, C] by E -> f32[R, C] by E
  public func cos(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.cos(file: file, line: line, column: column)) }

  /// The square.
  ///
  ///     y[i] = x[i]²    f32[R, C] by E -> f32[R, C] by E
  public func squared(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.squared(file: file, line: line, column: column)) }

  /// A power with a number as exponent, as of a tensor.
  ///
  ///     y[i] = x[i]^exponent    f32[R, C] by E -> f32[R, C] by E
  public func power(
    _ exponent: Double, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.power(exponent, file: file, line: line, column: column)) }

  /// What lies outside of bounds moves to them; the gradient passes inside and at the bounds.
  ///
  ///     y[i] = min(max(x[i], lower), upper)    f32[R, C] by E -> f32[R, C] by E
  public func clamped(
    _ bounds: ClosedRange<Double>,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.clamped(bounds, file: file, line: line, column: column)) }

  /// A smooth cap: small numbers stay, large ones come near c.
  ///
  ///     y[i] = c tanh(x[i] / c)    f32[R, C] by E -> f32[R, C] by E
  public func softCapped(
    _ cap: Double, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.softCapped(cap, file: file, line: line, column: column)) }

  /// The same numbers, through which no gradient passes.
  ///
  ///     y[i] = x[i], dx[i] = 0    f32[R, C] by E -> f32[R, C] by E
  public func stopGradient(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Routed { with(rows.stopGradient(file: file, line: line, column: column)) }
}
