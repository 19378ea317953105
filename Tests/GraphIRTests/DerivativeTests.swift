import Testing

@testable import GraphIR

@Suite("Derivatives")
struct DerivativeTests {
  /// All functions but the one that has a slope and no derivative.
  private static let sloped = UnaryFunction.allCases.filter { $0 != .stop }

  /// (f(x + h) - f(x - h)) / 2h.
  static func slope(_ f: ScalarExpression, _ inputs: [Double], by input: Int) -> Double {
    let h = 1e-5
    var (above, below) = (inputs, inputs)
    above[input] += h
    below[input] -= h
    return (f.value(above) - f.value(below)) / (2 * h)
  }

  @Test(
    "Each function's derivative is its slope, also away from 0",
    arguments: sloped, [-1.7, -0.2, 0.3, 2.1])
  func unary(function: UnaryFunction, x: Double) {
    if (function == .log || function == .sqrt) && x < 0 { return }
    let f = ScalarExpression.unary(function, .input(0))
    let derivative = f.derivative(by: 0)
    #expect(isClose(derivative.value([x]), Self.slope(f, [x], by: 0), within: 1e-8))
    #expect(f.derivative(by: 1) == .constant(0))
  }

  @Test(
    "A derivative written with the result equals the one written with the input",
    arguments: UnaryFunction.allCases, [-1.7, -0.2, 0.3, 2.1])
  func byOutput(function: UnaryFunction, x: Double) {
    if function == .sqrt && x < 0 { return }
    let f = ScalarExpression.unary(function, .input(0))
    guard let byOutput = f.derivativeByOutput else { return }
    let (expected, given) = (f.derivative(by: 0).value([x]), byOutput.value([f.value([x])]))
    #expect(isClose(expected, given, within: 1e-12))
  }

  @Test(
    "Composed derivatives follow the slope in every input",
    arguments: [
      "x0 * x1 / (x2 * x2 + 1.0)",
      "tanh(x0 * x1) - softplus(x2) / exp(x0)",
      "0.5 * x0 * (1.0 + erf(0.7071067811865476 * x0))",
      "x0 * sigmoid(x0) * keep(stream 1, rate 0.25) + normal(stream 2) * softplus(x1)",
      "log(x0 * x0 + 0.5) * relu(x1) - negate(x2) * step(x1)",
      "x0 - x1 - (x2 - x0) / (2.0 + tanh(x1))",
      "max(x0, x1 * x2) + min(x1, min(x2, 0.5)) * x0",
      "sin(x0 * x1) * cos(x2) - cos(x1 + 0.5) / (2.0 + sin(x0))",
      "power(x0 * x0 + 0.5, x1) * sqrt(x2 * x2 + 0.1) - power(x2 * x2 + 0.2, -1.5)",
    ])
  func composed(text: String) throws {
    let f = try ScalarExpression(parsing: text)
    var numbers = RandomNumbers(state: 5)
    for _ in 0..<20 {
      let inputs = (0..<3).map { _ in Double.random(in: -2...2, using: &numbers) }
      for input in 0..<3 {
        let derivative = f.derivative(by: input).value(inputs)
        #expect(isClose(derivative, Self.slope(f, inputs, by: input), within: 1e-6), "x\(input)")
      }
    }
  }

  @Test(
    "Of equal numbers the first has the slope",
    arguments: [
      ("max(x0, x1)", [1.0, 0]), ("min(x0, x1)", [1, 0]), ("max(x0, 0.5)", [1, 0]),
      ("max(0.5, x0)", [0, 0]), ("min(max(x0, 0.5), 0.5)", [1, 0]), ("min(0.5, x1)", [0, 0]),
    ])
  func ties(text: String, slopes: [Double]) throws {
    let f = try ScalarExpression(parsing: text)
    for input in 0..<2 {
      #expect(f.derivative(by: input).value([0.5, 0.5]) == slopes[input], "x\(input)")
    }
  }

  @Test("No gradient passes a stop, whatever is behind it")
  func stops() throws {
    let f = try ScalarExpression(parsing: "x0 * stop(x0 * tanh(x1))")
    #expect(f.derivative(by: 0).description == "stop(x0 * tanh(x1))")
    #expect(f.derivative(by: 1) == .constant(0))
    #expect(f.hasSlope(at: 0) && !f.hasSlope(at: 1))
  }

  @Test("Derivatives of random expressions follow the slope", arguments: 0..<40)
  func random(seed: UInt64) {
    var numbers = RandomNumbers(state: 1000 + seed)
    for _ in 0..<20 {
      let f = ScalarExpression.random(depth: 4, of: Self.sloped, &numbers)
      let inputs = (0..<3).map { _ in Double.random(in: 0.3...1.9, using: &numbers) }
      let (slope, derivative) = (Self.slope(f, inputs, by: 0), f.derivative(by: 0).value(inputs))
      // Steep or undefined places say nothing about the rule.
      guard slope.isFinite, abs(slope) < 100, abs(f.value(inputs)) < 100 else { continue }
      guard derivative.isFinite else { continue }
      #expect(isClose(derivative, slope, within: 1e-4), "\(f) at \(inputs)")
    }
  }
}
