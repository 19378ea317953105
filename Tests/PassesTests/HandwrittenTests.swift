import GraphIR
import Interpreter
import MoE
import Testing

@testable import Passes

/// What a model writes by hand, beside what is built in, and its gradients beside differences.
@Suite struct HandwrittenTests {
  private typealias Axis = MoE.Axis
  private static let (V, T, B) = (Axis("V", 7), Axis("T", 5), Axis("B", 2))
  private static let (C, E) = (Axis("C", 6), Axis("E", 3))

  /// Two blocks around a function from f32[B, T, C] to the same.
  private func model(_ block: (Tensor) -> Tensor) throws -> Graph {
    try LanguageModel.trace("written", vocabulary: Self.V, context: Self.T, batch: Self.B) { text in
      let x = text.tokens.embedding("token", Self.C) + text.positions.embedding("place", Self.C)
      return layers("block", 2, x, block).linear("head", Self.V)
    }
  }

  /// A run with its gradients, no parameter of which is the same throughout.
  private func run(_ graph: Graph) throws -> Run {
    var interpreter = Interpreter.onRandomTokens(graph)
    interpreter.parameters = interpreter.parameters.mapValues { numbers in
      numbers.enumerated().map { $1 + 0.1 * Double($0 % 5) }
    }
    return try interpreter.run()
  }

  private static let norms: [(String, @Sendable (Tensor, Tensor) -> Tensor)] = [
    ("quotient", { x, w in x / (x.squared().mean(over: C) + 1e-5).sqrt() * w }),
    ("power", { x, w in x * ((x * x).mean(over: C) + 1e-5).power(-0.5) * w }),
    ("sum", { x, w in x * w * (1 / ((x * x).sum(over: C) / 6 + 1e-5).sqrt()) }),
  ]

  @Test("RMSNorm by hand is rmsNorm, in values and gradients", arguments: norms.map(\.0))
  func rmsNorm(_ name: String) throws {
    let norm = try #require(Self.norms.first { $0.0 == name }).1
    let builtIn = try model { $0 + $0.rmsNorm("norm").linear("mix", Self.C) }
    let written = try model { x in
      x + norm(x, parameter("norm.weight", Self.C, initial: .ones)).linear("mix", Self.C)
    }
    #expect(builtIn.parameters.map(\.parameter.name) == written.parameters.map(\.parameter.name))
    for omitted in [[], PipelineOptions.reference.omitted] as [Set<String>] {
      let options = PipelineOptions(omitted: omitted)
      let runs = try [builtIn, written].map { try run(Pipeline().run($0, options: options)) }
      #expect(distance(runs.map(\.logits)) < 1e-11)
      for (_, parameter) in builtIn.parameters {
        #expect(distance(runs.map { $0.gradient(of: parameter.name) }) < 1e-11, "\(parameter.name)")
      }
    }
  }

  /// How far two lists are apart at most, relative to the largest number.
  private func distance(_ lists: [[Double]?]) -> Double {
    guard let a = lists[0], let b = lists[1], a.count == b.count else { return .infinity }
    let largest = a.map { abs($0) }.max() ?? 0
    return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / Swift.max(largest, 1e-3)
  }

  private static let blocks: [(String, @Sendable (Tensor) -> Tensor)] = [
    ("gelu by tanh", { $0 + $0.linear("up", 2 * C).gelu(.tanh).linear("down", C) }),
    ("relu squared", { $0 + $0.linear("up", 2 * C).relu().squared().linear("down", C) }),
    ("soft cap", { $0.linear("up", C).softCapped(1.5) }),
    ("softmax", { ($0 - $0.mean(over: C)).exp() / ($0 - $0.mean(over: C)).exp().sum(over: C) }),
    ("log", { (($0 * $0 + 0.1).log() + 2 / ($0.squared() + 1)).linear("mix", C) }),
    ("power", { ($0.squared() + 0.3).power(1.3) * ($0.squared() + 0.5).power(-3) }),
    ("extremes", { max($0, $0.linear("a", C)) * min($0.linear("b", C), 0.5) + max(-0.1, $0) }),
    (
      "clamped gate",
      { x in
        let routing = x.linear("router", E).top(2).softmax()
        let rows = x.routed(by: routing)
        let gate = min(rows.linear("gate", 2 * C), 0.7)
        let up = rows.linear("up", 2 * C).clamped(-0.7...0.7)
        return x + ((up + 1) * gate * (gate * 1.702).sigmoid()).linear("down", C).combined()
      }
    ),
    ("stopped factor", { $0 * $0.linear("a", C).tanh() * $0.tanh().stopGradient() }),
    ("straight through", { x in x + (x.clamped(-0.5...0.5) - x).stopGradient() }),
  ]

  @Test("Gradients of what is written by hand are its slopes", arguments: blocks.map(\.0))
  func gradients(_ name: String) throws {
    let graph = try model(try #require(Self.blocks.first { $0.0 == name }).1)
    for omitted in [[], PipelineOptions.reference.omitted] as [Set<String>] {
      let whole = try Pipeline().run(graph, options: PipelineOptions(omitted: omitted))
      let results = try GradientCheck(whole).results()
      #expect(results.count == graph.parameters.count)
      #expect(results.allSatisfy { $0.isRight && !$0.isZero }, "\(results)")
    }
  }

  @Test("The value that a gradient does not pass is that of the tensor, the gradient another's")
  func straightThrough() throws {
    let clamped = try model { $0.clamped(-0.5...0.5) }
    let straight = try model { x in x + (x.clamped(-0.5...0.5) - x).stopGradient() }
    let runs = try [clamped, straight].map { try run(Pipeline().run($0)) }
    #expect(distance(runs.map(\.logits)) < 1e-11)
    #expect(distance(runs.map { $0.gradient(of: "head.weight") }) < 1e-11)
    #expect(distance(runs.map { $0.gradient(of: "token.weight") }) > 1e-2)
  }

  @Test("What the loss depends on through a stop alone has no gradient")
  func untrained() throws {
    let graph = try Pipeline().run(model { $0 + $0.linear("side", Self.C).stopGradient() })
    #expect(graph[.gradient(parameter: "block.0.side.weight")] == nil)
    #expect(graph[.gradient(parameter: "token.weight")] != nil)
    try Verifier.verify(graph)
  }
}
