import GraphIR
import Testing

@testable import Interpreter

@Suite struct InitialParametersTests {
  private func values(_ initializer: Initializer, seed: UInt64 = 3) -> [Double] {
    let axis = Axis("N", 20_000)
    var g = GraphBuilder(Graph(name: "init", vocabulary: axis, context: axis, batch: axis))
    for name in ["x", "y"] {
      _ = g.emit(.parameter(Parameter(name: name, axes: [axis], initializer: initializer)), [])
    }
    let drawn = Interpreter.initialParameters(of: g.graph, seed: seed)
    if case .constant = initializer.distribution {} else { #expect(drawn["x"] != drawn["y"]) }
    return drawn["x"] ?? []
  }

  @Test(arguments: [
    (Initializer.normal(0.5), 0.5), (.kaimingNormal(fanIn: 8), 0.5),
    (.xavierNormal(fanIn: 3, fanOut: 5), 0.5), (.uniform(1), 1 / 3.0.squareRoot()),
    (.kaimingUniform(fanIn: 6), 1 / 3.0.squareRoot()),
    (.xavierUniform(fanIn: 2, fanOut: 4), 1 / 3.0.squareRoot()), (.zeros, 0),
  ])
  func initializersHaveTheirDeviation(_ initializer: Initializer, _ deviation: Double) {
    let drawn = values(initializer)
    let square = drawn.reduce(0) { $0 + $1 * $1 } / 20_000
    #expect(abs(square.squareRoot() - deviation) <= 0.02 * deviation)
    #expect(abs(drawn.reduce(0, +) / 20_000) <= 4 * deviation / 20_000.0.squareRoot())
  }

  @Test func uniformStaysWithinItsBound() {
    let drawn = values(.uniform(0.25))
    #expect(drawn.allSatisfy { abs($0) < 0.25 })
    #expect(drawn.contains { $0 > 0.24 } && drawn.contains { $0 < -0.24 })
  }

  @Test func theSeedDecides() {
    #expect(values(.normal(1)) == values(.normal(1)))
    #expect(values(.normal(1)) != values(.normal(1), seed: 4))
    #expect(values(.ones).allSatisfy { $0 == 1 })
  }
}
