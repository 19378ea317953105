import GraphIR

/// The larger of two elements; the tensor with fewer axes is repeated.
///
///     y[i] = a[i] if a[i] ≥ b[i], else b[i]    f32[…] -> f32[…]
///
/// The gradient goes to the larger one, and to a where they are equal.
public func max(
  _ a: Tensor, _ b: Tensor, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor { .extreme("max", .maximum, a, b, file, line, column) }

/// The larger of an element and a number.
///
///     y[i] = max(a[i], b)    f32[…] -> f32[…]
///
/// The gradient passes where a[i] ≥ b. Error: a number that is not finite.
public func max(
  _ a: Tensor, _ b: Double, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor { a.extreme("max", b, { .binary(.maximum, $0, $1) }, file, line, column) }

/// The larger of a number and an element.
///
///     y[i] = max(a, b[i])    f32[…] -> f32[…]
///
/// The gradient passes where b[i] > a. Error: a number that is not finite.
public func max(
  _ a: Double, _ b: Tensor, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor { b.extreme("max", a, { .binary(.maximum, $1, $0) }, file, line, column) }

/// The smaller of two elements; the tensor with fewer axes is repeated.
///
///     y[i] = a[i] if a[i] ≤ b[i], else b[i]    f32[…] -> f32[…]
///
/// The gradient goes to the smaller one, and to a where they are equal.
public func min(
  _ a: Tensor, _ b: Tensor, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor { .extreme("min", .minimum, a, b, file, line, column) }

/// The smaller of an element and a number.
///
///     y[i] = min(a[i], b)    f32[…] -> f32[…]
///
/// The gradient passes where a[i] ≤ b. Error: a number that is not finite.
public func min(
  _ a: Tensor, _ b: Double, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor { a.extreme("min", b, { .binary(.minimum, $0, $1) }, file, line, column) }

/// The smaller of a number and an element.
///
///     y[i] = min(a, b[i])    f32[…] -> f32[…]
///
/// The gradient passes where b[i] < a. Error: a number that is not finite.
public func min(
  _ a: Double, _ b: Tensor, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Tensor { b.extreme("min", a, { .binary(.minimum, $1, $0) }, file, line, column) }

/// The larger of two elements of rows of one routing, as of tensors.
///
///     y[i] = max(a[i], b[i])    f32[R, C] by E -> f32[R, C] by E
public func max(
  _ a: Routed, _ b: Routed, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Routed {
  let call = a.rows.tracer.call("max", file, line, column)
  return .binary(a, b, .binary(.maximum, .input(0), .input(1)), call)
}

/// The larger of an element and a number; the gradient passes where a[i] ≥ b.
///
///     y[i] = max(a[i], b)    f32[R, C] by E -> f32[R, C] by E
public func max(
  _ a: Routed, _ b: Double, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Routed { a.with(max(a.rows, b, file: file, line: line, column: column)) }

/// The larger of a number and an element; the gradient passes where b[i] > a.
///
///     y[i] = max(a, b[i])    f32[R, C] by E -> f32[R, C] by E
public func max(
  _ a: Double, _ b: Routed, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Routed { b.with(max(a, b.rows, file: file, line: line, column: column)) }

/// The smaller of two elements of rows of one routing, as of tensors.
///
///     y[i] = min(a[i], b[i])    f32[R, C] by E -> f32[R, C] by E
public func min(
  _ a: Routed, _ b: Routed, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Routed {
  let call = a.rows.tracer.call("min", file, line, column)
  return .binary(a, b, .binary(.minimum, .input(0), .input(1)), call)
}

/// The smaller of an element and a number; the gradient passes where a[i] ≤ b.
///
///     y[i] = min(a[i], b)    f32[R, C] by E -> f32[R, C] by E
public func min(
  _ a: Routed, _ b: Double, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Routed { a.with(min(a.rows, b, file: file, line: line, column: column)) }

/// The smaller of a number and an element; the gradient passes where b[i] < a.
///
///     y[i] = min(a, b[i])    f32[R, C] by E -> f32[R, C] by E
public func min(
  _ a: Double, _ b: Routed, file: String = #filePath, line: Int = #line, column: Int = #column
) -> Routed { b.with(min(a, b.rows, file: file, line: line, column: column)) }

extension Tensor {
  fileprivate static func extreme(
    _ name: String, _ function: BinaryFunction, _ a: Tensor, _ b: Tensor,
    _ file: String, _ line: Int, _ column: Int
  ) -> Tensor {
    meeting(
      a, b, .binary(function, .input(0), .input(1)), a.tracer.call(name, file, line, column))
  }

  /// `f` of an element and a number.
  fileprivate func extreme(
    _ name: String, _ number: Double, _ f: (ScalarExpression, ScalarExpression) -> ScalarExpression,
    _ file: String, _ line: Int, _ column: Int
  ) -> Tensor {
    let call = tracer.call(name, file, line, column)
    guard number.isFinite else {
      tracer.report("the number must be finite, got \(number)", call)
      return tracer.poison(call.site)
    }
    return elementwise(f(.input(0), .constant(number)), call)
  }
}
