import GraphIR
import Interpreter
import Testing

@testable import Passes

/// Gradients against central differences in random directions, in double precision.
struct GradientCheck {
  var interpreter: Interpreter
  private let run: Run

  init(_ graph: Graph, seed: UInt64 = 1, mode: Interpreter.Mode = .training) throws {
    interpreter = Interpreter.onRandomTokens(graph, seed: seed, mode: mode)
    run = try interpreter.run()
  }

  var allGradientsAreZero: Bool {
    interpreter.parameters.keys.allSatisfy { name in
      (run.gradient(of: name) ?? []).allSatisfy { $0 == 0 }
    }
  }

  /// |analytic - numeric| relative to the larger of the two, along a random direction in all the
  /// parameters named; also records an issue if a step changed which experts are chosen.
  ///
  /// Four points instead of two: steps can be long enough for rounding to vanish, short enough for
  /// no choice of experts to change.
  func relativeError(of names: [String], step: Double = 1e-5) throws -> Double {
    let directions = names.enumerated().map { number, name in
      let key = CounterRandom.key(seed: 99, stream: UInt64(number))
      let count = interpreter.parameters[name]?.count ?? 0
      return (name, (0..<UInt32(count)).map { CounterRandom.normal(key, $0) })
    }
    let slopes = directions.flatMap { name, direction in
      zip(run.gradient(of: name) ?? [], direction).map { $0 * $1 }
    }
    let near = try loss(along: directions, by: step) - loss(along: directions, by: -step)
    let far = try loss(along: directions, by: 2 * step) - loss(along: directions, by: -2 * step)
    let numeric = (8 * near - far) / (12 * step)
    let analytic = slopes.reduce(0, +)
    let size = max(abs(numeric), slopes.reduce(0) { $0 + $1 * $1 }.squareRoot())
    return size == 0 ? 0 : abs(analytic - numeric) / size
  }

  private func loss(along directions: [(String, [Double])], by step: Double) throws -> Double {
    var moved = interpreter
    for (name, direction) in directions {
      let values = interpreter.parameters[name] ?? []
      moved.parameters[name] = zip(values, direction).map { $0 + step * $1 }
    }
    return try loss(moved)
  }

  private func loss(_ interpreter: Interpreter) throws -> Double {
    let moved = try interpreter.run([.loss])
    for index in moved.graph.nodes.indices where moved.graph.nodes[index].op.kind == .top {
      #expect(moved.values[index].last == run.values[index].last, "the step changed the routing")
    }
    return try #require(moved.loss)
  }
}

extension Interpreter {
  /// An interpreter on reproducible tokens and targets.
  static func onRandomTokens(
    _ graph: Graph, seed: UInt64 = 1, mode: Mode = .training
  ) -> Interpreter {
    let count = UInt32(graph.batch.size * graph.context.size)
    let draw = { (stream: UInt64) in
      let key = CounterRandom.key(seed: seed, stream: stream)
      return (0..<count).map { Int32(CounterRandom.bits(key, $0) % UInt32(graph.vocabulary.size)) }
    }
    return Interpreter(
      graph, mode: mode, seed: seed, tokens: draw(1 << 40), targets: draw(1 << 41))
  }
}
