import Foundation

@testable import GraphIR

/// Repeatable random numbers (SplitMix64).
struct RandomNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

extension ScalarExpression {
  /// A random expression of up to three inputs, at most `depth` functions deep.
  static func random(
    depth: Int, of unary: [UnaryFunction] = UnaryFunction.allCases, _ numbers: inout RandomNumbers
  ) -> ScalarExpression {
    if depth == 0 || Int.random(in: 0..<5, using: &numbers) == 0 { return leaf(&numbers) }
    let a = random(depth: depth - 1, of: unary, &numbers)
    if Bool.random(using: &numbers) {
      let function = BinaryFunction.allCases.randomElement(using: &numbers) ?? .add
      return .binary(function, a, random(depth: depth - 1, of: unary, &numbers))
    }
    return .unary(unary.randomElement(using: &numbers) ?? .tanh, a)
  }

  private static func leaf(_ numbers: inout RandomNumbers) -> ScalarExpression {
    switch Int.random(in: 0..<10, using: &numbers) {
    case 0: .normal(stream: 7)
    case 1: .keep(stream: 8, rate: 0.25)
    case 2: .constant([-1, 0, 1, 2][Int.random(in: 0..<4, using: &numbers)])
    case 3: .constant(Double.random(in: -1e-5...1e5, using: &numbers))
    case let other: .input(other % 3)
    }
  }

  /// The expression's value; streams give fixed numbers.
  func value(_ inputs: [Double]) -> Double {
    switch self {
    case .input(let index): inputs[index]
    case .constant(let value): value
    case .normal(let stream): 0.3 * Double(stream % 5) - 0.7
    case .keep(_, let rate): 1 / (1 - rate)
    case .unary(let function, let a): function.value(a.value(inputs))
    case .binary(let function, let a, let b): function.value(a.value(inputs), b.value(inputs))
    }
  }
}

extension UnaryFunction {
  func value(_ x: Double) -> Double {
    switch self {
    case .negate: -x
    case .exp: Foundation.exp(x)
    case .log: Foundation.log(x)
    case .sqrt: x.squareRoot()
    case .sin: Foundation.sin(x)
    case .cos: Foundation.cos(x)
    case .stop: x
    case .tanh: Foundation.tanh(x)
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .softplus: Foundation.log1p(Foundation.exp(x))
    case .erf: Foundation.erf(x)
    case .relu: x.isNaN ? x : max(x, 0)
    // Unlike C, so that a test can leave out every place that is undefined on the way.
    case .step: x.isNaN ? x : x > 0 ? 1 : 0
    }
  }
}

extension BinaryFunction {
  func value(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    // Unlike C, as above: what a division by 0 gives depends on the zero's sign, which is not kept.
    case .divide: b == 0 ? .nan : a / b
    case .maximum: a.isNaN || b.isNaN ? .nan : max(a, b)
    case .minimum: a.isNaN || b.isNaN ? .nan : min(a, b)
    case .power: a.isNaN || b.isNaN || a == 0 && b <= 0 ? .nan : Foundation.pow(a, b)
    }
  }
}
