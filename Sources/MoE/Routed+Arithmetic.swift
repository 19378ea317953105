import GraphIR

extension Routed {
  private static func binary(
    _ name: String, _ a: Routed, _ b: Routed, _ f: ScalarExpression
  ) -> Routed {
    let tracer = a.rows.tracer
    if !a.route.isEmpty, !b.route.isEmpty, a.rows.tracer === b.rows.tracer, a.route != b.route {
      let call = tracer.operatorCall(name, a.rows.order > b.rows.order ? a.rows : b.rows)
      tracer.report(
        "rows of two routings do not meet, \(a) and \(b)", call,
        hint: Tensor.origins(a.rows, b.rows))
      return a.with(tracer.poison(call.site))
    }
    return a.with(Tensor.binary(name, a.rows, b.rows, f))
  }

  /// Elementwise sum of rows of one routing.
  ///
  ///     y[i] = a[i] + b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func + (a: Routed, b: Routed) -> Routed { binary("+", a, b, .input(0) + .input(1)) }

  /// Elementwise difference of rows of one routing.
  ///
  ///     y[i] = a[i] - b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func - (a: Routed, b: Routed) -> Routed { binary("-", a, b, .input(0) - .input(1)) }

  /// Elementwise product of rows of one routing.
  ///
  ///     y[i] = a[i] * b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func * (a: Routed, b: Routed) -> Routed { binary("*", a, b, .input(0) * .input(1)) }

  /// A number added to every element.
  ///
  ///     y[i] = a[i] + b    f32[R, C] by E -> f32[R, C] by E
  public static func + (a: Routed, b: Double) -> Routed { a.with(a.rows + b) }

  /// A number added to every element.
  ///
  ///     y[i] = a + b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func + (a: Double, b: Routed) -> Routed { b.with(a + b.rows) }

  /// A number subtracted from every element.
  ///
  ///     y[i] = a[i] - b    f32[R, C] by E -> f32[R, C] by E
  public static func - (a: Routed, b: Double) -> Routed { a.with(a.rows - b) }

  /// Every element subtracted from a number.
  ///
  ///     y[i] = a - b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func - (a: Double, b: Routed) -> Routed { b.with(a - b.rows) }

  /// Every element times a number.
  ///
  ///     y[i] = a[i] * b    f32[R, C] by E -> f32[R, C] by E
  public static func * (a: Routed, b: Double) -> Routed { a.with(a.rows * b) }

  /// Every element times a number.
  ///
  ///     y[i] = a * b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func * (a: Double, b: Routed) -> Routed { b.with(a * b.rows) }

  /// Every element divided by a number, which must not be 0.
  ///
  ///     y[i] = a[i] / b    f32[R, C] by E -> f32[R, C] by E
  public static func / (a: Routed, b: Double) -> Routed { a.with(a.rows / b) }

  /// Every element negated.
  ///
  ///     y[i] = -a[i]    f32[R, C] by E -> f32[R, C] by E
  public static prefix func - (a: Routed) -> Routed { a.with(-a.rows) }
}
