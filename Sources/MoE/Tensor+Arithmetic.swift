import GraphIR

/// An operator has no room for `#line`. Its place is found by other means; see `OperatorPlaces`. Where
/// these fail, it stands where its younger operand was made.
extension Tensor {
  static func binary(
    _ name: String, _ a: Tensor, _ b: Tensor, _ f: ScalarExpression
  ) -> Tensor {
    meeting(a, b, f, a.tracer.operatorCall(name, a.order > b.order ? a : b))
  }

  /// f of the elements of two tensors.
  static func meeting(_ a: Tensor, _ b: Tensor, _ f: ScalarExpression, _ call: Call) -> Tensor {
    a.tracer.tensor(.pointwise(Pointwise(f)), [a, b], call, hint: origins(a, b))
      .keeping(width: a.width ?? b.width)
  }

  /// Where the operands of an operator come from.
  static func origins(_ a: Tensor, _ b: Tensor) -> String {
    "the left side is from \(a.site.location), the right side from \(b.site.location)"
  }

  func withScalar(
    _ name: String, _ number: Double, _ f: ScalarExpression, isDivisor: Bool = false
  ) -> Tensor {
    let call = tracer.operatorCall(name, self)
    guard number.isFinite, !isDivisor || (1 / number).isFinite else {
      let wish = isDivisor ? "finite and not 0" : "finite"
      tracer.report("the number must be \(wish), got \(number)", call)
      return tracer.poison(call.site)
    }
    return elementwise(f, call)
  }

  /// Elementwise sum; the one with fewer axes is repeated along the missing leading or trailing
  /// axes.
  ///
  ///     y[i] = a[i] + b[i]    f32[…] -> f32[…]
  public static func + (a: Tensor, b: Tensor) -> Tensor { binary("+", a, b, .input(0) + .input(1)) }

  /// Elementwise difference; the one with fewer axes is repeated.
  ///
  ///     y[i] = a[i] - b[i]    f32[…] -> f32[…]
  public static func - (a: Tensor, b: Tensor) -> Tensor { binary("-", a, b, .input(0) - .input(1)) }

  /// Elementwise product; the one with fewer axes is repeated.
  ///
  ///     y[i] = a[i] * b[i]    f32[…] -> f32[…]
  public static func * (a: Tensor, b: Tensor) -> Tensor { binary("*", a, b, .input(0) * .input(1)) }

  /// Elementwise quotient; the one with fewer axes is repeated.
  ///
  ///     y[i] = a[i] / b[i]    f32[…] -> f32[…]
  public static func / (a: Tensor, b: Tensor) -> Tensor { binary("/", a, b, .input(0) / .input(1)) }

  /// A number added to every element.
  ///
  ///     y[i] = a[i] + b    f32[…] -> f32[…]
  public static func + (a: Tensor, b: Double) -> Tensor {
    a.withScalar("+", b, .input(0) + .constant(b))
  }

  /// A number added to every element.
  ///
  ///     y[i] = a + b[i]    f32[…] -> f32[…]
  public static func + (a: Double, b: Tensor) -> Tensor {
    b.withScalar("+", a, .constant(a) + .input(0))
  }

  /// A number subtracted from every element.
  ///
  ///     y[i] = a[i] - b    f32[…] -> f32[…]
  public static func - (a: Tensor, b: Double) -> Tensor {
    a.withScalar("-", b, .input(0) - .constant(b))
  }

  /// Every element subtracted from a number.
  ///
  ///     y[i] = a - b[i]    f32[…] -> f32[…]
  public static func - (a: Double, b: Tensor) -> Tensor {
    b.withScalar("-", a, .constant(a) - .input(0))
  }

  /// Every element times a number.
  ///
  ///     y[i] = a[i] * b    f32[…] -> f32[…]
  public static func * (a: Tensor, b: Double) -> Tensor {
    a.withScalar("*", b, .input(0) * .constant(b))
  }

  /// Every element times a number.
  ///
  ///     y[i] = a * b[i]    f32[…] -> f32[…]
  public static func * (a: Double, b: Tensor) -> Tensor {
    b.withScalar("*", a, .constant(a) * .input(0))
  }

  /// Every element divided by a number, which must not be 0.
  ///
  ///     y[i] = a[i] / b    f32[…] -> f32[…]
  public static func / (a: Tensor, b: Double) -> Tensor {
    a.withScalar("/", b, .constant(1 / b) * .input(0), isDivisor: true)
  }

  /// A number divided by every element.
  ///
  ///     y[i] = a / b[i]    f32[…] -> f32[…]
  public static func / (a: Double, b: Tensor) -> Tensor {
    b.withScalar("/", a, .constant(a) / .input(0))
  }

  /// Every element negated.
  ///
  ///     y[i] = -a[i]    f32[…] -> f32[…]
  public static prefix func - (a: Tensor) -> Tensor { a.withScalar("-", 0, -.input(0)) }
}

extension Tracer {
  /// A call of an operator that has this operand. On the operand's own line its nodes stand where they
  /// would without a place of the operator's own, so that one model gives one graph wherever it can.
  func operatorCall(_ name: String, _ operand: Tensor) -> Call {
    let site = places?.site(of: name) ?? operand.site
    let isOnLine = site.path == operand.site.path && site.line == operand.site.line
    return Call(name: name, site: site, scope: path(), nodeSite: isOnLine ? operand.site : nil)
  }
}
