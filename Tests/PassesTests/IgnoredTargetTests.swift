import Foundation
import GraphIR
import Interpreter
import MoE
import Passes
import Testing

/// Losses, and what balances experts, where some targets are ignored, beside formulas of the others.
@Suite struct IgnoredTargetTests {
  private typealias Axis = MoE.Axis
  private static let (V, T, B) = (Axis("V", 7), Axis("T", 6), Axis("B", 4))
  private static let (C, E) = (Axis("C", 4), Axis("E", 5))
  private static let chosen = 2

  /// A mixture whose router's logits are a parameter, and whatever `routing` makes of them.
  private static func graph(_ routing: (Tensor) -> Routing) throws -> Graph {
    let graph = try LanguageModel.trace("ignored", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let logits = parameter("logits", B, T, E, initial: .normal(1))
      let rows = x.routed(by: routing(logits)).linear("up", C).tanh()
      return (x + rows.combined()).linear("head", V)
    }
    return try Pipeline().run(graph)
  }

  private static func run(_ ignored: IgnoredTargets, _ graph: Graph) throws -> Run {
    var interpreter = Interpreter.onRandomTokens(graph)
    interpreter.targets = ignored.among(interpreter.targets, seed: 4)
    return try interpreter.run()
  }

  /// The tokens of each sequence whose targets are not ignored.
  private static func counted(_ ignored: IgnoredTargets) -> [[Int]] {
    let targets = ignored.among([Int32](repeating: 1, count: B.size * T.size), seed: 4)
    return (0..<B.size).map { b in
      (b * T.size..<(b + 1) * T.size).filter { targets[$0] != Input.ignoredTarget }
    }
  }

  private static func rows(_ numbers: [Double]) -> [[Double]] {
    stride(from: 0, to: numbers.count, by: E.size).map { Array(numbers[$0..<$0 + E.size]) }
  }

  /// What a term adds to the logits' gradient, for each token, and the logits.
  private func added(
    _ ignored: IgnoredTargets, _ term: (Tensor, Double) -> Routing
  ) throws -> (run: Run, logits: [[Double]], gradient: [[Double]]) {
    let with = try Self.run(ignored, Self.graph { term($0, 1) })
    let without = try Self.run(ignored, Self.graph { term($0, 0) })
    let a = try #require(with.gradient(of: "logits"))
    let b = try #require(without.gradient(of: "logits"))
    let node = try #require(with.graph.parameters.first { $0.parameter.name == "logits" }).node
    return (
      with, Self.rows(with[Value(node: node)].floats), Self.rows(zip(a, b).map { $0 - $1 })
    )
  }

  private func softmax(_ z: [Double]) -> [Double] {
    let powers = z.map(exp)
    return powers.map { $0 / powers.reduce(0, +) }
  }

  private func best(_ z: [Double]) -> [Int] {
    Array(z.indices.sorted { (-z[$0], $0) < (-z[$1], $1) }.prefix(Self.chosen))
  }

  /// E Σ f p of some tokens.
  private func balance(_ z: [[Double]]) -> Double {
    if z.isEmpty { return 0 }
    let all = z.flatMap(best)
    let sum = (0..<Self.E.size).reduce(0.0) { sum, e in
      let f = Double(all.count { $0 == e }) / Double(all.count)
      return sum + f * z.reduce(0) { $0 + softmax($1)[e] } / Double(z.count)
    }
    return Double(Self.E.size) * sum
  }

  private func expect(
    _ found: (run: Run, logits: [[Double]], gradient: [[Double]]), _ term: String,
    _ expected: Double, _ ignored: IgnoredTargets
  ) {
    #expect(abs((found.run.terms[term] ?? -1) - expected) < 1e-9, "\(term), \(ignored)")
    let counted = Set(Self.counted(ignored).joined())
    for (token, gradient) in found.gradient.enumerated() {
      let isZero = gradient.allSatisfy { abs($0) < 1e-15 }
      #expect(isZero == !counted.contains(token), "\(term), \(ignored), token \(token)")
    }
  }

  @Test(
    "Switch's loss is of tokens whose targets are not ignored", arguments: IgnoredTargets.allCases)
  func balance(ignored: IgnoredTargets) throws {
    let found = try added(ignored) { $0.top(2).softmax().balanced($1) }
    let z = Self.counted(ignored).joined().map { found.logits[$0] }
    expect(found, "balance", balance(z), ignored)
  }

  @Test("Sequences weigh by their targets that are not ignored", arguments: IgnoredTargets.allCases)
  func sequences(ignored: IgnoredTargets) throws {
    let found = try added(ignored) { $0.top(2).softmax().balanced($1, over: .sequence) }
    let sequences = Self.counted(ignored).map { $0.map { found.logits[$0] } }
    let count = sequences.reduce(0) { $0 + $1.count }
    let sum = sequences.reduce(0) { $0 + Double($1.count) * balance($1) }
    expect(found, "balance", sum / Double(max(count, 1)), ignored)
  }

  @Test("The loss over several layers is of these tokens", arguments: IgnoredTargets.allCases)
  func layers(ignored: IgnoredTargets) throws {
    let found = try added(ignored) { logits, weight in
      let (first, second) = (logits.top(2).softmax(), (logits * 2).top(2).softmax())
      MoE.balance([first, second], weight: weight, name: "all")
      return first
    }
    let z = Self.counted(ignored).joined().map { found.logits[$0] }
    let p = z.map(softmax) + z.map { softmax($0.map { 2 * $0 }) }
    let value = (0..<Self.E.size).reduce(0.0) { sum, e in
      let f = Double(2 * z.flatMap(best).count { $0 == e })
      return sum + f * p.reduce(0) { $0 + $1[e] }
    }
    let rows = Double(max(p.count, 1))
    expect(found, "all", Double(Self.E.size) * value / (rows * rows), ignored)
  }

  @Test("The z-loss is the mean over these tokens", arguments: IgnoredTargets.allCases)
  func zLoss(ignored: IgnoredTargets) throws {
    let found = try added(ignored) {
      $0.zLoss($1)
      return $0.top(2).softmax()
    }
    let z = Self.counted(ignored).joined().map { found.logits[$0] }
    let squares = z.map { pow(log($0.reduce(0) { $0 + exp($1) }), 2) }
    expect(found, "z", squares.reduce(0, +) / Double(max(z.count, 1)), ignored)
  }

  @Test("Importance adds up these tokens' weights", arguments: IgnoredTargets.allCases)
  func importance(ignored: IgnoredTargets) throws {
    let found = try added(ignored) { $0.softmax().top(2).weights().importance($1) }
    var sums = [Double](repeating: 0, count: Self.E.size)
    for token in Self.counted(ignored).joined() {
      for e in best(found.logits[token]) { sums[e] += softmax(found.logits[token])[e] }
    }
    let mean = sums.reduce(0, +) / Double(sums.count)
    let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(sums.count)
    expect(found, "importance", variance / (mean * mean + 1e-10), ignored)
  }

  @Test("A load has no part of the others", arguments: IgnoredTargets.allCases)
  func load(ignored: IgnoredTargets) throws {
    let found = try added(ignored) { logits, weight in
      let spread: Tensor = .constant(1, like: logits)
      return logits.top(2).softmax().load(weight, clean: logits * 0.5, spread: spread)
    }
    var sums = [Double](repeating: 0, count: Self.E.size)
    for token in Self.counted(ignored).joined() {
      let z = found.logits[token]
      let order = z.sorted(by: >)
      for e in z.indices {
        let threshold = best(z).contains(e) ? order[2] : order[1]
        sums[e] += 0.5 * erfc((threshold - 0.5 * z[e]) / 2.0.squareRoot())
      }
    }
    let mean = sums.reduce(0, +) / Double(sums.count)
    let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(sums.count)
    expect(found, "load", variance / (mean * mean + 1e-10), ignored)
  }

  @Test("A bias counts these tokens' choices", arguments: IgnoredTargets.allCases)
  func bias(ignored: IgnoredTargets) throws {
    let graph = try Self.graph { z in
      let bias = routerBias("bias", Self.E, rate: 0.25)
      return z.top(2, by: z + bias.value).softmax().balanced(by: bias)
    }
    let run = try Self.run(ignored, graph)
    let node = try #require(graph.parameters.first { $0.parameter.name == "logits" }).node
    let z = Self.rows(run[Value(node: node)].floats)
    let all = Self.counted(ignored).joined().flatMap { best(z[$0]) }
    let expected = (0..<Self.E.size).map { e in
      let difference = all.count - Self.E.size * all.count { $0 == e }
      return difference > 0 ? 0.25 : difference < 0 ? -0.25 : 0
    }
    #expect(run.state("bias") == expected)
  }

  @Test(
    "The loss is the mean over targets that are not ignored", arguments: IgnoredTargets.allCases)
  func loss(ignored: IgnoredTargets) throws {
    let traced = try LanguageModel.trace(
      "loss", vocabulary: Self.V, context: Self.T, batch: Self.B
    ) { text in
      text.tokens.embedding("token", Self.V)
        + parameter("logits", Self.B, Self.T, Self.V, initial: .normal(1))
    }
    let graph = try Pipeline().run(traced)
    let run = try Self.run(ignored, graph)
    let logits = run[try #require(graph[.logits])].floats
    let gradient = try #require(run.gradient(of: "logits"))
    let targets = ignored.among(Interpreter.onRandomTokens(graph).targets, seed: 4)
    let (width, counted) = (Self.V.size, Self.counted(ignored).joined())
    var sum = 0.0
    for token in 0..<Self.B.size * Self.T.size {
      let isCounted = counted.contains(token)
      let p = softmax(Array(logits[token * width..<(token + 1) * width]))
      if isCounted { sum -= log(p[Int(targets[token])]) }
      for v in 0..<width {
        let slope = (p[v] - (Int(targets[token]) == v ? 1 : 0)) / Double(max(counted.count, 1))
        #expect(abs(gradient[token * width + v] - (isCounted ? slope : 0)) < 1e-14)
      }
    }
    #expect(abs((run.loss ?? -1) - sum / Double(max(counted.count, 1))) < 1e-12)
  }

  @Test("Gradients are slopes, whatever is ignored", arguments: IgnoredTargets.allCases)
  func slopes(ignored: IgnoredTargets) throws {
    let graph = try Self.graph { z in
      z.zLoss(0.3)
      return z.softmax().top(2).normalized().balanced(0.5).balanced(
        0.4, over: .sequence, name: "sequences"
      ).importance(0.2)
    }
    let check = try GradientCheck(graph, ignoring: ignored)
    for result in try check.results() {
      #expect(result.isRight, "\(result)")
      #expect(result.isZero == (ignored == .all), "\(result)")
    }
  }

  @Test(
    "A term of one's own that asks which targets count leaves the others out",
    arguments: IgnoredTargets.allCases)
  func counted(ignored: IgnoredTargets) throws {
    let traced = try LanguageModel.trace(
      "counted", vocabulary: Self.V, context: Self.T, batch: Self.B
    ) { text in
      let z = parameter("logits", Self.B, Self.T, Self.E, initial: .normal(1))
      let counted = text.counted()
      let squares = z.logSumExp().squared() * counted
      auxiliary("own", weight: -1, squares.sum() / max(counted.sum(), 1))
      z.zLoss(1)
      let sums = state("sums", Self.E)
      sums.update(to: (z * counted).sum(over: Self.B, Self.T))
      return text.tokens.embedding("token", Self.V)
    }
    let run = try Self.run(ignored, Pipeline().run(traced))
    let terms = run.graph.terms.map { run[$0.value].floats[0] }
    #expect(terms.count == 2 && abs(terms[0] - terms[1]) < 1e-12)
    #expect((terms[0] == 0) == (ignored == .all))
    let gradient = try #require(run.gradient(of: "logits"))
    #expect(gradient.allSatisfy { abs($0) < 1e-12 }, "the two are each other's negative")
    let node = try #require(run.graph.parameters.first { $0.parameter.name == "logits" }).node
    let logits = Self.rows(run[Value(node: node)].floats)
    let new = try #require(run.graph[.state("sums")])
    for expert in 0..<Self.E.size {
      let sum = Self.counted(ignored).joined().reduce(0) { $0 + logits[$1][expert] }
      #expect(abs(run[new].floats[expert] - sum) < 1e-12)
    }
  }

  @Test("What is no target and not ignored is refused", arguments: [-1, -99, -101, 7] as [Int32])
  func refused(target: Int32) throws {
    var interpreter = try Interpreter.onRandomTokens(Self.graph { $0.top(2).softmax() })
    interpreter.targets[3] = target
    let error = #expect(throws: Diagnostic.self) { try interpreter.run() }
    #expect(error?.message.contains("\(target) is outside 0 ..< 7 and not -100") == true)
  }
}
