import GraphIR

extension Routed {
  static func binary(
    _ name: String, _ a: Routed, _ b: Routed, _ f: ScalarExpression
  ) -> Routed {
    let younger = a.rows.order > b.rows.order ? a.rows : b.rows
    return binary(a, b, f, a.rows.tracer.operatorCall(name, younger))
  }

  /// f of the elements of rows of one routing.
  static func binary(_ a: Routed, _ b: Routed, _ f: ScalarExpression, _ call: Call) -> Routed {
    let tracer = a.rows.tracer
    if !a.route.isEmpty, !b.route.isEmpty, tracer === b.rows.tracer, a.route != b.route {
      tracer.report(
        "rows of two routings do not meet, \(a) and \(b)", call,
        hint: Tensor.origins(a.rows, b.rows))
      return a.with(tracer.poison(call.site))
    }
    return a.with(Tensor.meeting(a.rows, b.rows, f, call))
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

  /// Elementwise quotient of rows of one routing.
  ///
  ///     y[i] = a[i] / b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func / (a: Routed, b: Routed) -> Routed { binary("/", a, b, .input(0) / .input(1)) }

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

  /// A number divided by every element.
  ///
  ///     y[i] = a / b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func / (a: Double, b: Routed) -> Routed { b.with(a / b.rows) }

  /// Every element negated.
  ///
  ///     y[i] = -a[i]    f32[R, C] by E -> f32[R, C] by E
  public static prefix func - (a: Routed) -> Routed { a.with(-a.rows) }
}
