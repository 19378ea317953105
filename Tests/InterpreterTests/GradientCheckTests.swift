import GraphIR
import Testing

@testable import Interpreter

/// `moec check --gradients`.
@Suite struct GradientCheckTests {
  /// loss = Σ tanh(x)², its gradient times `factor`.
  private func graph(factor: Double) -> Graph {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 5), context: Axis("T", 3), batch: Axis("B", 2)))
    let x = g.emitOne(
      .parameter(Parameter(name: "x", axes: [Axis("C", 4)], initializer: .normal(1))), [])
    let y = g.pointwise(.unary(.tanh, .input(0)), [x])
    g.bind(.loss, to: g.emitOne(.sum(Sum(to: [])), [g.pointwise(.input(0) * .input(0), [y])]))
    g.phase = .backward
    let slope = .constant(2 * factor) * .input(0) * (.constant(1) - .input(0) * .input(0))
    g.bind(.gradient(parameter: "x"), to: g.pointwise(slope as ScalarExpression, [y]))
    return g.graph
  }

  @Test func aRightGradientIsRight() throws {
    let results = try GradientCheck(graph(factor: 1)).results()
    #expect(results.map(\.parameter) == ["x"])
    #expect(results.allSatisfy { $0.isRight && !$0.isZero })
  }

  @Test(arguments: [1.001, 0, -1]) func aWrongGradientIsWrong(factor: Double) throws {
    let results = try GradientCheck(graph(factor: factor)).results()
    #expect(results.allSatisfy { !$0.isRight })
    #expect(results.allSatisfy { $0.isZero == (factor == 0) })
  }

  @Test("A model is cut down where its axes allow it")
  func cut() throws {
    var g = GraphBuilder(
      Graph(name: "g", vocabulary: Axis("V", 65), context: Axis("T", 32), batch: Axis("B", 16)))
    let C = Axis("C", 128)
    let x = g.emitOne(
      .parameter(
        Parameter(name: "x", axes: [Axis("B", 16), Axis("T", 32), C], initializer: .normal(1))), [])
    let split = SplitHeads(heads: Axis("H", 8), depth: Axis("D", 16))
    _ = g.emitOne(.splitHeads(split), [x])
    let small = try CutDownModel(g.graph)
    #expect(small.graph.batch.size == 2)
    let sizes = Dictionary(uniqueKeysWithValues: small.sizes.map { ($0.name, $0.size) })
    #expect(sizes["C"] == 6 && sizes["H"] == 2 && sizes["D"] == 3)
  }
}
