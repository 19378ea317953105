import GraphIR
import Testing

@testable import Interpreter

/// `.normal(like: x, inEvaluation: false)` as the DSL writes it: a normal number times one minus
/// dropout's factor at a rate of 1/2.
@Suite struct NoiseTests {
  @Test func isStandardNormalInTrainingAndZeroInEvaluation() throws {
    let shape = [Axis("N", 20_000)]
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 1), batch: Axis("B", 1)))
    let x = g.emitOne(
      .parameter(Parameter(name: "x", axes: shape, initializer: .zeros)), [])
    let f: ScalarExpression = .normal(stream: 0) * (.constant(1) - .keep(stream: 1, rate: 0.5))
    let noise = g.pointwise(f, [x])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [noise]))
    let numbers = { (mode: Interpreter.Mode) in
      try Interpreter(g.graph, mode: mode, seed: 7, tokens: [0]).run()[noise].floats
    }
    #expect(try numbers(.evaluation).allSatisfy { $0 == 0 })
    let drawn = try numbers(.training)
    let count = Double(drawn.count)
    let moments = (1...4).map { power in
      drawn.reduce(0) { sum, x in sum + (1...power).reduce(1) { product, _ in product * x } }
        / count
    }
    for (moment, expected) in zip(moments, [0.0, 1, 0, 3]) {
      #expect(abs(moment - expected) < 0.15, "\(moments)")
    }
  }
}
