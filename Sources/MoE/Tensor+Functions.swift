import GraphIR

extension Tensor {
  /// The square root.
  ///
  ///     y[i] = √x[i]    f32[…] -> f32[…]
  ///
  /// NaN below 0; at 0 the gradient is infinite, so that a small number is usually added first. Error: the
  /// root of a constant below 0.
  public func sqrt(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("sqrt", file, line, column)
    return ofNumbers("at least 0", call) { $0 >= 0 }.elementwise(.unary(.sqrt, .input(0)), call)
  }

  /// The exponential function.
  ///
  ///     y[i] = exp(x[i])    f32[…] -> f32[…]
  ///
  /// Infinite above 88.7, where floats end.
  public func exp(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("exp", .unary(.exp, .input(0)), file, line, column) }

  /// The natural logarithm.
  ///
  ///     y[i] = log(x[i])    f32[…] -> f32[…]
  ///
  /// Minus infinity at 0 and NaN below. Error: the logarithm of a constant that is not above 0.
  public func log(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("log", file, line, column)
    return ofNumbers("above 0", call) { $0 > 0 }.elementwise(.unary(.log, .input(0)), call)
  }

  /// The sine of an angle in radians.
  ///
  ///     y[i] = sin(x[i])    f32[…] -> f32[…]
  public func sin(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("sin", .unary(.sin, .input(0)), file, line, column) }

  /// The cosine of an angle in radians.
  ///
  ///     y[i] = cos(x[i])    f32[…] -> f32[…]
  public func cos(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("cos", .unary(.cos, .input(0)), file, line, column) }

  /// The square.
  ///
  ///     y[i] = x[i]²    f32[…] -> f32[…]
  public func squared(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("squared", .input(0) * .input(0), file, line, column) }

  /// A power with a number as exponent.
  ///
  ///     y[i] = x[i]^exponent    f32[…] -> f32[…]
  ///
  /// Whole exponents up to 4, also with a minus, are products, and ±0.5 is a root. What is below 0 has
  /// powers with whole exponents only, else NaN. Error: an exponent that is not finite.
  public func power(
    _ exponent: Double, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("power", file, line, column)
    guard exponent.isFinite else {
      tracer.report("the exponent must be finite, got \(exponent)", call)
      return tracer.poison(call.site)
    }
    return elementwise(.power(exponent), call)
  }

  /// What lies outside of bounds moves to them.
  ///
  ///     y[i] = min(max(x[i], lower), upper)    f32[…] -> f32[…]
  ///
  /// The gradient passes inside and at the bounds themselves, and is 0 outside. Error: bounds that are not
  /// finite; `max(x, lower)` and `min(x, upper)` have one bound.
  public func clamped(
    _ bounds: ClosedRange<Double>,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("clamped", file, line, column)
    let (lower, upper) = (bounds.lowerBound, bounds.upperBound)
    guard lower.isFinite, upper.isFinite else {
      tracer.report(
        "the bounds must be finite, got \(lower)...\(upper)", call,
        hint: "max(x, lower) and min(x, upper) have one bound")
      return tracer.poison(call.site)
    }
    let above = ScalarExpression.binary(.maximum, .input(0), .constant(lower))
    return elementwise(.binary(.minimum, above, .constant(upper)), call)
  }

  /// A smooth cap, as on logits: small numbers stay, large ones come near c.
  ///
  ///     y[i] = c tanh(x[i] / c)    f32[…] -> f32[…]
  ///
  /// Error: a cap that is not a number above 0.
  public func softCapped(
    _ cap: Double, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("softCapped", file, line, column)
    guard cap > 0, cap.isFinite, (1 / cap).isFinite else {
      tracer.report(
        "the cap must be a number above 0, got \(cap)", call, hint: "15 and 30 are usual")
      return tracer.poison(call.site)
    }
    return elementwise(.constant(cap) * .unary(.tanh, .constant(1 / cap) * .input(0)), call)
  }

  /// The same numbers, through which no gradient passes.
  ///
  ///     y[i] = x[i], dx[i] = 0    f32[…] -> f32[…]
  ///
  /// What the loss depends on only through it is not trained. `x + (y - x).stopGradient()` is y with the
  /// gradient of x.
  public func stopGradient(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("stopGradient", .unary(.stop, .input(0)), file, line, column) }

  /// A number in the shape of another tensor.
  ///
  ///     y[i] = number    other f32[…] -> f32[…]
  ///
  /// Error: a number that is not finite.
  public static func constant(
    _ number: Double, like other: Tensor,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = other.tracer.call("constant", file, line, column)
    guard number.isFinite else {
      other.tracer.report("the number must be finite, got \(number)", call)
      return other.tracer.poison(call.site)
    }
    return other.elementwise(.constant(number), call)
  }
}

extension Tensor {
  /// The tensor, unless it is a constant that a function is not made for: then that is reported.
  private func ofNumbers(
    _ wish: String, _ call: Call, _ isRight: (Double) -> Bool
  ) -> Tensor {
    guard let value, case .pointwise(let op) = tracer.builder.graph.nodes[value.node].op,
      case .constant(let number) = op.expression, !isRight(number)
    else { return self }
    tracer.report("the numbers must be \(wish), got \(number)", call)
    return tracer.poison(call.site)
  }
}

extension ScalarExpression {
  /// x to a power, without logarithms where that is possible.
  fileprivate static func power(_ exponent: Double) -> ScalarExpression {
    let x = ScalarExpression.input(0)
    switch exponent {
    case 0: return .constant(1)
    case 0.5: return .unary(.sqrt, x)
    case 1: return x
    case 2: return x * x
    case 3: return x * x * x
    case 4: return x * x * (x * x)
    case -4, -3, -2, -1, -0.5: return .constant(1) / power(-exponent)
    case _: return .binary(.power, x, .constant(exponent))
    }
  }
}
