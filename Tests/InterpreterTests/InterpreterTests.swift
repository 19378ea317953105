import Foundation
import GraphIR
import Testing

@testable import Interpreter

/// Values worked out by hand; gradients are `GradientTests`' matter.
@Suite struct InterpreterTests {
  /// The results of one op on given operands.
  private func results(
    of op: Op, _ operands: [([Int], [Double])], mode: Interpreter.Mode = .training
  ) throws -> [TensorValue] {
    let size = Axis("S", 1)
    var g = GraphBuilder(Graph(name: "test", vocabulary: size, context: size, batch: size))
    var inputs: [Value] = []
    var parameters: [String: [Double]] = [:]
    for (index, (shape, values)) in operands.enumerated() {
      let axes = shape.map { Axis("N\($0)", $0) }
      let parameter = Parameter(name: "x\(index)", axes: axes, initializer: .zeros)
      inputs.append(g.emitOne(.parameter(parameter), []))
      parameters["x\(index)"] = values
    }
    let values = g.emit(op, inputs)
    g.bind(.logits, to: values[0])
    let run = try Interpreter(g.graph, mode: mode, tokens: [], parameters: parameters)
      .run([.logits])
    return values.map { run[$0] }
  }

  @Test func linearMultipliesByTheTransposedWeight() throws {
    let y = try results(
      of: .linear(Linear(bias: true)),
      [([2, 3], [1, 2, 3, 4, 5, 6]), ([2, 3], [1, 0, -1, 2, 1, 0]), ([2], [10, 20])])
    #expect(y[0] == TensorValue([2, 2], [8, 24, 8, 33]))
  }

  /// 1 - tanh(x)² is nothing in single precision where tanh(x) is 1 there.
  @Test func functionsOfAnExpressionAreRoundedWhereResultsAre() throws {
    let size = Axis("S", 1)
    let graph = Graph(name: "test", vocabulary: size, context: size, batch: size)
    let tanh = ScalarExpression.unary(.tanh, .input(0))
    let slope: ScalarExpression = .constant(1) - tanh * tanh
    var interpreter = Interpreter(graph, tokens: [])
    #expect(interpreter.evaluate(slope, 1) { _, _ in [10] }[0] > 0)
    interpreter.precision = .roughlySingle
    #expect(interpreter.evaluate(slope, 1) { _, _ in [10] } == [0])
  }

  @Test func constantParametersAreMovedEachByItself() throws {
    let (V, C) = (Axis("V", 4), Axis("C", 16))
    var g = GraphBuilder(Graph(name: "g", vocabulary: V, context: V, batch: Axis("B", 1)))
    for name in ["a", "b"] {
      _ = g.emitOne(.parameter(Parameter(name: name, axes: [C], initializer: .ones)), [])
    }
    let values = Interpreter.variedParameters(of: g.graph, seed: 1)
    #expect(values["a"] != values["b"] && Set(values["a"] ?? []).count == 16)
  }

  /// A kernel may keep one of two equal products unrounded.
  @Test func differencesOfEqualNumbersAreRoughlyZero() throws {
    let (V, C) = (Axis("V", 4), Axis("C", 16))
    var g = GraphBuilder(Graph(name: "g", vocabulary: V, context: V, batch: Axis("B", 1)))
    let x = g.emitOne(.parameter(Parameter(name: "x", axes: [V, C], initializer: .normal(1))), [])
    let square = g.pointwise(.input(0) * .input(0), [x])
    let nothing = g.pointwise(.input(0) - .input(1), [square, square])
    g.bind(.logits, to: nothing)
    var interpreter = Interpreter(g.graph, tokens: [])
    let exact = try interpreter.run()[nothing].floats
    #expect(exact.allSatisfy { $0 == 0 })
    interpreter.precision = .roughlySingle
    let rough = try interpreter.run()[nothing].floats
    #expect(rough.contains { $0 != 0 } && rough.allSatisfy { abs($0) < 1e-6 })
  }

  @Test func matmulReadsTransposedOperands() throws {
    let a = ([2, 3], [1.0, 2, 3, 4, 5, 6])
    let y = try results(of: .matmul(Matmul(transposeA: true)), [a, ([2, 2], [1, 2, 3, 4])])
    #expect(y[0] == TensorValue([3, 2], [13, 18, 17, 24, 21, 30]))
    let z = try results(of: .matmul(Matmul(transposeB: true)), [a, ([2, 3], [1, 1, 1, 0, 1, 0])])
    #expect(z[0] == TensorValue([2, 2], [6, 2, 15, 5]))
  }

  @Test func transposeSwapsTheLastAxesOfEachMatrix() throws {
    let y = try results(
      of: .transpose(Transpose()), [([2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])])
    #expect(y[0] == TensorValue([2, 3, 2], [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12]))
  }

  @Test func layerNormUsesTheBiasedVariance() throws {
    let y = try results(
      of: .layerNorm(LayerNorm(epsilon: 0)), [([1, 2], [1, 5]), ([2], [2, 3]), ([2], [0, 1])])
    #expect(y == [TensorValue([1, 2], [-2, 4]), TensorValue([1], [3]), TensorValue([1], [0.5])])
  }

  @Test func headsAreCutFromTheWidthInOrder() throws {
    let (H, D) = (Axis("H", 2), Axis("D", 2))
    let x = ([1, 2, 4], [1.0, 2, 3, 4, 5, 6, 7, 8])
    let split = try results(of: .splitHeads(SplitHeads(heads: H, depth: D)), [x])
    #expect(split[0] == TensorValue([1, 2, 2, 2], [1, 2, 5, 6, 3, 4, 7, 8]))
    let merged = try results(
      of: .mergeHeads(MergeHeads(width: Axis("N4", 4))), [([1, 2, 2, 2], split[0].floats)])
    #expect(merged[0] == TensorValue([1, 2, 4], x.1))
  }

  @Test func rotaryTurnsPairsByPosition() throws {
    // Position 0 turns nothing; position 1 the first pair by 1 and the second by 100^(-2/4) = 0.1.
    let x = ([1, 2, 4], [1.0, 2, 3, 4, 1, 2, 3, 4])
    func expect(_ op: Rotary, _ expected: [Double]) throws {
      let y = try results(of: .rotary(op), [x])[0].floats
      #expect(y.count == 8 && zip(y, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(y)")
    }
    let one = Axis("H", 1)
    // cos 1 = 0.540302, sin 1 = 0.841471, cos 0.1 = 0.995004, sin 0.1 = 0.099833
    try expect(
      Rotary(heads: one, base: 100),
      [1, 2, 3, 4, -1.9841106, 1.5906747, 2.4623779, 4.1796835])
    try expect(
      Rotary(heads: one, base: 100, interleaved: true),
      [1, 2, 3, 4, -1.1426397, 1.9220756, 2.5856788, 4.2795168])
    try expect(
      Rotary(heads: one, base: 100, inverse: true),
      [1, 2, 3, 4, 3.0647153, 2.3893420, 0.7794359, 3.7803498])
    // Of two heads each has one pair, turned by 1.
    try expect(
      Rotary(heads: Axis("H", 2), base: 100),
      [1, 2, 3, 4, -1.1426397, 1.9220756, -1.7449770, 4.6856221])
  }

  @Test func maskHidesLaterKeysOfEachMatrix() throws {
    let y = try results(
      of: .causalMask(CausalMask(.zero)), [([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])])
    #expect(y[0].floats == [1, 0, 3, 4, 5, 0, 7, 8])
    let z = try results(of: .causalMask(CausalMask()), [([2, 2], [1, 2, 3, 4])])
    #expect(z[0].floats == [1, -.infinity, 3, 4])
  }

  @Test func attentionAveragesWhatIsNotLater() throws {
    // Equal scores: each query sees the mean of the values up to itself.
    let op = Attention(heads: Axis("H", 2), scale: 1)
    let zeros = [Double](repeating: 0, count: 6)
    let y = try results(
      of: .attention(op),
      [([1, 3, 2], zeros), ([1, 3, 2], zeros), ([1, 3, 2], [1, 2, 3, 4, 8, 9])])
    for (given, expected) in zip(y[0].floats, [1.0, 2, 2, 3, 4, 5]) {
      #expect(abs(given - expected) < 1e-14)
    }
    #expect(y[1] == TensorValue([1, 2, 3], zeros))
    #expect(y[2] == TensorValue([1, 2, 3], [1, 2, 3, 1, 2, 3]))
  }

  @Test func topPrefersTheLowerOfEqualLogitsAndListsExpertsInOrder() throws {
    let y = try results(
      of: .top(Top(chosen: Axis("K", 2))), [([3, 4], [1, 3, 3, 3, 4, 0, 0, 5, 0, 0, 0, 0])])
    #expect(y[1] == TensorValue([3, 2], integers: [1, 2, 0, 3, 0, 1]))
    #expect(y[0].floats == [3, 3, 4, 5, 0, 0])
  }

  @Test func pointwiseRepeatsAlongMissingAxes() throws {
    let f: ScalarExpression = .input(0) + .input(1) * .input(2)
    let y = try results(
      of: .pointwise(Pointwise(f)),
      [([2, 3], [0, 0, 0, 0, 0, 0]), ([2], [1, 10]), ([3], [1, 2, 3])])
    #expect(y[0] == TensorValue([2, 3], [1, 2, 3, 10, 20, 30]))
  }

  @Test func functionsAreRightWhereTheyAreSteep() {
    #expect(UnaryFunction.softplus.evaluate(800) == 800)
    #expect(UnaryFunction.softplus.evaluate(-800) == 0)
    #expect(abs(UnaryFunction.softplus.evaluate(0) - log(2)) < 1e-15)
    #expect(UnaryFunction.sigmoid.evaluate(-800) == 0)
    #expect(UnaryFunction.relu.evaluate(.nan).isNaN)
    #expect(UnaryFunction.step.evaluate(0) == 0)
  }

  @Test func evaluationDropsNothingButKeepsNoise() throws {
    let f: ScalarExpression = .input(0) * .keep(stream: 0, rate: 0.5)
    let x = ([64], [Double](repeating: 1, count: 64))
    let train = try results(of: .pointwise(Pointwise(f)), [x])
    #expect(Set(train[0].floats) == [0, 2])
    #expect(try results(of: .pointwise(Pointwise(f)), [x], mode: .evaluation)[0].floats == x.1)
    let noise = Op.pointwise(Pointwise(.normal(stream: 1)))
    #expect(try results(of: noise, [x], mode: .evaluation) == results(of: noise, [x]))
    #expect(Set(try results(of: noise, [x])[0].floats).count == 64)
  }
}
