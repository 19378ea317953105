import Foundation
import GraphIR

extension Interpreter {
  /// `Pointwise`: the expression, one function at a time over all elements.
  func pointwise(_ op: Pointwise, _ site: Site) -> TensorValue {
    let type = site.node.types[0]
    let full = site.inputTypes.firstIndex { $0.axes.count == type.axes.count } ?? 0
    let shape = site.inputs[full].shape
    let count = site.inputs[full].count
    return TensorValue(
      shape,
      evaluate(op.expression, count) { index, isStopped in
        let stopped = isStopped ? stopped?[site.node.inputs[index]] : nil
        let x = stopped ?? site.inputs[index]
        return Self.repeated(x, site.inputTypes[index], as: type, count)
      })
  }

  /// An operand with all elements of the result's shape: its own, repeated along missing axes.
  static func repeated(
    _ x: TensorValue, _ type: TensorType, as result: TensorType, _ count: Int
  ) -> [Double] {
    let numbers = x.floats
    guard type.axes.count < result.axes.count,
      let repetition = Repetition(ofWritten: type.axes, in: result.axes)
    else { return numbers }
    let group = x.shape.suffix(repetition.after).reduce(1, *)
    let period = count / (numbers.count / group)
    return (0..<count).map { numbers[$0 / period * group + $0 % group] }
  }

  /// The expression of so many elements; `operand` gives all elements of an input, and is told whether
  /// gradients stop on the way to it.
  func evaluate(
    _ expression: ScalarExpression, _ count: Int, isStopped: Bool = false,
    _ operand: (Int, _ isStopped: Bool) -> [Double]
  ) -> [Double] {
    func part(_ part: ScalarExpression) -> [Double] {
      evaluate(part, count, isStopped: isStopped || expression.stops, operand)
    }
    return switch expression {
    case .input(let index): operand(index, isStopped)
    case .constant(let value): [Double](repeating: value, count: count)
    case .unary(let function, let a): rounded(part(a).map(function.evaluate))
    case .binary(let function, let a, let b):
      rounded(zip(part(a), part(b)).map(function.evaluate))
    case .normal(let stream):
      draw(stream, count) { key, i in CounterRandom.normal(key, i) }
    case .keep(let stream, let rate):
      mode == .evaluation
        ? [Double](repeating: 1, count: count)
        : draw(stream, count) { key, i in CounterRandom.keep(key, i, rate: rate) }
    }
  }

  /// As single precision has them where that is asked: tanh(9) is 1 there, and 1 - tanh(9)² nothing.
  private func rounded(_ numbers: [Double]) -> [Double] {
    precision == .double ? numbers : numbers.map { Double(Float($0)) }
  }

  private func draw(
    _ stream: Int, _ count: Int, _ body: (UInt64, UInt32) -> Double
  ) -> [Double] {
    let key = key(of: stream)
    return (0..<count).map { body(key, UInt32(truncatingIfNeeded: $0)) }
  }

  /// The key of a stream of this step.
  func key(of stream: Int) -> UInt64 {
    CounterRandom.key(seed: seed, stream: UInt64(bitPattern: Int64(stream)))
  }

  /// `Sum`: over neighbouring axes, the leading ones, the trailing ones or those between.
  func sum(_ op: Sum, _ site: Site) -> TensorValue {
    let x = site.inputs[0]
    guard let kept = op.repetition(in: site.inputTypes[0]) else { return x }
    let (before, after) = (x.shape.prefix(kept.before), x.shape.suffix(kept.after))
    let (blocks, width) = (before.reduce(1, *), after.reduce(1, *))
    let each = x.count / blocks
    let sums = (0..<blocks).flatMap { block in
      Self.sumLeading(Array(x.floats[block * each..<(block + 1) * each]), width: width)
    }
    return TensorValue(Array(before + after), sums)
  }

  static func sumLeading(_ x: [Double], width: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: width)
    for (index, element) in x.enumerated() { sums[index % width] += element }
    return sums
  }
}

extension ScalarExpression {
  /// Whether its gradient ends at its operand.
  fileprivate var stops: Bool { if case .unary(.stop, _) = self { true } else { false } }
}

extension UnaryFunction {
  /// f(x).
  public func evaluate(_ x: Double) -> Double {
    switch self {
    case .negate: -x
    case .exp: Foundation.exp(x)
    case .log: Foundation.log(x)
    case .sqrt: x.squareRoot()
    case .sin: Foundation.sin(x)
    case .cos: Foundation.cos(x)
    case .tanh: Foundation.tanh(x)
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .softplus: max(x, 0) + log1p(Foundation.exp(-abs(x)))
    case .erf: Foundation.erf(x)
    case .relu: x > 0 || x.isNaN ? x : 0
    case .step: x > 0 ? 1 : 0
    case .stop: x
    }
  }
}

extension BinaryFunction {
  /// f(a, b).
  public func evaluate(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: a < b || b.isNaN ? b : a
    case .minimum: a > b || b.isNaN ? b : a
    case .power: Foundation.pow(a, b)
    }
  }
}
