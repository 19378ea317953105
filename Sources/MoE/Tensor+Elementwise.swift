import GraphIR

/// Activations as expressions of one number.
enum Activation {
  static let relu = ScalarExpression.unary(.relu, .input(0))
  static let sigmoid = ScalarExpression.unary(.sigmoid, .input(0))
  static let tanh = ScalarExpression.unary(.tanh, .input(0))
  static let softplus = ScalarExpression.unary(.softplus, .input(0))
  static let silu = ScalarExpression.input(0) * sigmoid

  /// x Φ(x) = x (1 + erf(x / √2)) / 2.
  static let gelu =
    .constant(0.5) * .input(0)
    * (.constant(1) + .unary(.erf, .constant(0.5.squareRoot()) * .input(0)))

  /// x (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2.
  static let geluByTanh: ScalarExpression = {
    let x = ScalarExpression.input(0)
    let bent: ScalarExpression = x + .constant(0.044715) * x * x * x
    let scaled: ScalarExpression = .constant((2 / Double.pi).squareRoot()) * bent
    return .constant(0.5) * x * (.constant(1) + .unary(.tanh, scaled))
  }()
}

/// Which Gaussian error linear unit.
public enum GELU: Sendable {
  /// With erf, as PyTorch's is.
  case exact

  /// With tanh, close to the exact one: GPT-2's, `gelu_new` in other programs.
  case tanh
}

extension Tensor {
  /// f of every element.
  func elementwise(
    _ name: String, _ f: ScalarExpression, _ file: String, _ line: Int, _ column: Int
  ) -> Tensor {
    elementwise(f, tracer.call(name, file, line, column))
  }

  /// f of every element, as a call whose operand this is.
  func elementwise(_ f: ScalarExpression, _ call: Call) -> Tensor {
    tracer.tensor(.pointwise(Pointwise(f)), [self], call).keeping(width: width)
  }

  /// Rectified linear unit.
  ///
  ///     y[i] = max(x[i], 0)    f32[…] -> f32[…]
  public func relu(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("relu", Activation.relu, file, line, column) }

  /// Gaussian error linear unit: the exact one, or GPT-2's.
  ///
  ///     y[i] = x[i] (1 + erf(x[i] / √2)) / 2    f32[…] -> f32[…]
  ///     y[i] = x[i] (1 + tanh(√(2 / π) (x[i] + 0.044715 x[i]³))) / 2    for .tanh
  public func gelu(
    _ form: GELU = .exact, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let f = form == .exact ? Activation.gelu : Activation.geluByTanh
    return elementwise("gelu", f, file, line, column)
  }

  /// Sigmoid linear unit, also called swish.
  ///
  ///     y[i] = x[i] / (1 + exp(-x[i]))    f32[…] -> f32[…]
  public func silu(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("silu", Activation.silu, file, line, column) }

  /// The logistic function.
  ///
  ///     y[i] = 1 / (1 + exp(-x[i]))    f32[…] -> f32[…]
  public func sigmoid(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("sigmoid", Activation.sigmoid, file, line, column) }

  /// The hyperbolic tangent.
  ///
  ///     y[i] = tanh(x[i])    f32[…] -> f32[…]
  public func tanh(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("tanh", Activation.tanh, file, line, column) }

  /// A smooth rectifier that is above 0 everywhere.
  ///
  ///     y[i] = log(1 + exp(x[i]))    f32[…] -> f32[…]
  public func softplus(
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor { elementwise("softplus", Activation.softplus, file, line, column) }

  /// In training each element becomes 0 with probability `rate` and x / (1 - rate) otherwise.
  ///
  ///     y[i] = x[i] keep[i] / (1 - rate)    f32[…] -> f32[…]
  ///
  /// Each dropout has a random stream of its own; a rate of 0 adds nothing. In evaluation y = x.
  /// Error: a rate that is not in 0 ..< 1.
  public func dropout(
    _ rate: Double, file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let call = tracer.call("dropout", file, line, column)
    guard tracer.checkRate(rate, call), rate > 0 else { return self }
    let f = ScalarExpression.input(0) * .keep(stream: tracer.nextStream(), rate: rate)
    return elementwise("dropout", f, file, line, column)
  }

  /// Standard normal numbers in the shape of another tensor, drawn anew at each step.
  ///
  ///     y[i] ~ N(0, 1)    other f32[…] -> f32[…]
  ///
  /// They come from a random stream of their own, in training and evaluation alike; with
  /// `inEvaluation: false` they are 0 in evaluation and generation.
  public static func normal(
    like other: Tensor, inEvaluation: Bool = true,
    file: String = #filePath, line: Int = #line, column: Int = #column
  ) -> Tensor {
    let noise = ScalarExpression.normal(stream: other.tracer.nextStream())
    if inEvaluation { return other.elementwise("normal", noise, file, line, column) }
    // Dropout's factor at a rate of 1/2 is 0 or 2 in training and 1 in evaluation: one minus it
    // is a sign in training, which changes nothing about N(0, 1), and 0 in evaluation.
    let sign = .constant(1) - ScalarExpression.keep(stream: other.tracer.nextStream(), rate: 0.5)
    return other.elementwise("normal", noise * sign, file, line, column)
  }
}

extension Tracer {
  /// Whether a dropout rate is one; reports it otherwise.
  func checkRate(_ rate: Double, _ call: Call) -> Bool {
    if rate >= 0 && rate < 1 { return true }
    report(
      "the rate must be at least 0 and below 1, got \(rate)", call,
      hint: "0.1 drops one number in ten")
    return false
  }
}
