import GraphIR

// `a += b` is `a = a + b`: a tensor is a value, and what another name stands for stays as it is.

extension Tensor {
  /// `a` becomes the sum of both.
  ///
  ///     a[i] = a[i] + b[i]    f32[…] -> f32[…]
  public static func += (a: inout Tensor, b: Tensor) {
    a = .binary("+=", a, b, .input(0) + .input(1))
  }

  /// `a` becomes the difference of both.
  ///
  ///     a[i] = a[i] - b[i]    f32[…] -> f32[…]
  public static func -= (a: inout Tensor, b: Tensor) {
    a = .binary("-=", a, b, .input(0) - .input(1))
  }

  /// `a` becomes the product of both.
  ///
  ///     a[i] = a[i] * b[i]    f32[…] -> f32[…]
  public static func *= (a: inout Tensor, b: Tensor) {
    a = .binary("*=", a, b, .input(0) * .input(1))
  }

  /// `a` becomes the quotient of both.
  ///
  ///     a[i] = a[i] / b[i]    f32[…] -> f32[…]
  public static func /= (a: inout Tensor, b: Tensor) {
    a = .binary("/=", a, b, .input(0) / .input(1))
  }

  /// `a` becomes its sum with a number.
  ///
  ///     a[i] = a[i] + b    f32[…] -> f32[…]
  public static func += (a: inout Tensor, b: Double) {
    a = a.withScalar("+=", b, .input(0) + .constant(b))
  }

  /// `a` becomes its difference with a number.
  ///
  ///     a[i] = a[i] - b    f32[…] -> f32[…]
  public static func -= (a: inout Tensor, b: Double) {
    a = a.withScalar("-=", b, .input(0) - .constant(b))
  }

  /// `a` becomes its product with a number.
  ///
  ///     a[i] = a[i] * b    f32[…] -> f32[…]
  public static func *= (a: inout Tensor, b: Double) {
    a = a.withScalar("*=", b, .input(0) * .constant(b))
  }

  /// `a` becomes its quotient with a number, which must not be 0.
  ///
  ///     a[i] = a[i] / b    f32[…] -> f32[…]
  public static func /= (a: inout Tensor, b: Double) {
    a = a.withScalar("/=", b, .constant(1 / b) * .input(0), isDivisor: true)
  }
}

extension Routed {
  /// `a` becomes the sum of both.
  ///
  ///     a[i] = a[i] + b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func += (a: inout Routed, b: Routed) {
    a = .binary("+=", a, b, .input(0) + .input(1))
  }

  /// `a` becomes the difference of both.
  ///
  ///     a[i] = a[i] - b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func -= (a: inout Routed, b: Routed) {
    a = .binary("-=", a, b, .input(0) - .input(1))
  }

  /// `a` becomes the product of both.
  ///
  ///     a[i] = a[i] * b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func *= (a: inout Routed, b: Routed) {
    a = .binary("*=", a, b, .input(0) * .input(1))
  }

  /// `a` becomes the quotient of both.
  ///
  ///     a[i] = a[i] / b[i]    f32[R, C] by E -> f32[R, C] by E
  public static func /= (a: inout Routed, b: Routed) {
    a = .binary("/=", a, b, .input(0) / .input(1))
  }

  /// `a` becomes its sum with a number.
  ///
  ///     a[i] = a[i] + b    f32[R, C] by E -> f32[R, C] by E
  public static func += (a: inout Routed, b: Double) {
    a.rows += b
  }

  /// `a` becomes its difference with a number.
  ///
  ///     a[i] = a[i] - b    f32[R, C] by E -> f32[R, C] by E
  public static func -= (a: inout Routed, b: Double) {
    a.rows -= b
  }

  /// `a` becomes its product with a number.
  ///
  ///     a[i] = a[i] * b    f32[R, C] by E -> f32[R, C] by E
  public static func *= (a: inout Routed, b: Double) {
    a.rows *= b
  }

  /// `a` becomes its quotient with a number, which must not be 0.
  ///
  ///     a[i] = a[i] / b    f32[R, C] by E -> f32[R, C] by E
  public static func /= (a: inout Routed, b: Double) {
    a.rows /= b
  }
}
