import Foundation
import GraphIR
import Interpreter
import MoE
import Passes
import Testing

/// Routers and what balances them: values and gradients of the logits by themselves, beside formulas.
@Suite struct RouterTests {
  private typealias Axis = MoE.Axis
  private static let (V, T, B) = (Axis("V", 7), Axis("T", 6), Axis("B", 4))
  private static let (C, E) = (Axis("C", 4), Axis("E", 5))
  private static let (sequences, tokens, experts, chosen) = (4, 24, 5, 2)

  /// A mixture whose router's logits are a parameter, and whatever `routing` makes of them.
  private static func run(_ routing: (Tensor) -> Routing) throws -> Run {
    let graph = try LanguageModel.trace("routed", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let logits = parameter("logits", B, T, E, initial: .normal(1))
      let rows = x.routed(by: routing(logits)).linear("up", C).tanh()
      return (x + rows.combined()).linear("head", V)
    }
    return try Interpreter.onRandomTokens(Pipeline().run(graph)).run()
  }

  /// What a term adds to the gradient of the logits, for each token.
  private func added(_ term: (Tensor, Double) -> Routing) throws -> (Run, [[Double]]) {
    let with = try Self.run { term($0, 1) }
    let without = try Self.run { term($0, 0) }
    let a = try #require(with.gradient(of: "logits"))
    let b = try #require(without.gradient(of: "logits"))
    return (with, rows(zip(a, b).map { $0 - $1 }))
  }

  private func rows(_ numbers: [Double]) -> [[Double]] {
    stride(from: 0, to: numbers.count, by: Self.experts).map {
      Array(numbers[$0..<$0 + Self.experts])
    }
  }

  private func logits(_ run: Run) throws -> [[Double]] {
    let node = try #require(run.graph.parameters.first { $0.parameter.name == "logits" }).node
    return rows(run[Value(node: node)].floats)
  }

  private func softmax(_ z: [Double]) -> [Double] {
    let powers = z.map(exp)
    return powers.map { $0 / powers.reduce(0, +) }
  }

  private func best(_ z: [Double], _ count: Int = chosen) -> [Int] {
    z.indices.sorted { (-z[$0], $0) < (-z[$1], $1) }.prefix(count).sorted()
  }

  private func counts(_ z: [[Double]]) -> [Double] {
    let all = z.flatMap { best($0) }
    return (0..<Self.experts).map { expert in Double(all.count { $0 == expert }) }
  }

  private func areEqual(_ a: [[Double]], _ b: [[Double]]) -> Bool {
    let (a, b) = (a.flatMap(\.self), b.flatMap(\.self))
    guard (b.map { abs($0) }.max() ?? 0) > 1e-4 else { return false }
    return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 }
  }

  @Test("Switch's loss is E Σ f p, and its gradient reaches the logits")
  func balance() throws {
    let (run, gradient) = try added { $0.top(2).softmax().balanced($1) }
    let z = try logits(run)
    let p = z.map(softmax)
    let (T, E, K) = (Double(Self.tokens), Double(Self.experts), Double(Self.chosen))
    let f = counts(z).map { $0 / (T * K) }
    let value = E * f.indices.reduce(0) { sum, e in sum + f[e] * p.reduce(0) { $0 + $1[e] } / T }
    #expect(abs((run.terms["balance"] ?? 0) - value) < 1e-12)
    let expected = p.map { p in
      let mean = zip(f, p).reduce(0) { $0 + $1.0 * $1.1 }
      return zip(f, p).map { E / T * $1 * ($0 - mean) }
    }
    #expect(areEqual(gradient, expected))
  }

  @Test("Over sequences it is the mean of their losses, of scores that are no softmax")
  func balanceOfSequences() throws {
    let (run, gradient) = try added {
      let s = $0.sigmoid()
      return s.top(2).normalized().balanced($1, over: .sequence)
    }
    let z = try logits(run)
    let length = Self.tokens / Self.sequences
    let (E, K) = (Double(Self.experts), Double(Self.chosen))
    var (value, expected) = (0.0, [[Double]]())
    for first in stride(from: 0, to: Self.tokens, by: length) {
      let z = Array(z[first..<first + length])
      let f = counts(z).map { $0 / (Double(length) * K) }
      for s in z.map({ $0.map { 1 / (1 + exp(-$0)) } }) {
        let total = s.reduce(0, +)
        let mean = zip(f, s).reduce(0) { $0 + $1.0 * $1.1 } / total
        let factor = E / Double(Self.tokens)
        value += factor * mean
        expected.append(zip(f, s).map { factor * ($0 - mean) / total * $1 * (1 - $1) })
      }
    }
    #expect(abs((run.terms["balance"] ?? 0) - value) < 1e-12)
    #expect(areEqual(gradient, expected))
  }

  @Test("The z-loss is the mean of squared logarithms of sums")
  func zLoss() throws {
    let (run, gradient) = try added {
      $0.zLoss($1)
      return $0.top(2).softmax()
    }
    let z = try logits(run)
    let lse = z.map { log($0.reduce(0) { $0 + exp($1) }) }
    let T = Double(Self.tokens)
    #expect(abs((run.terms["z"] ?? 0) - lse.reduce(0) { $0 + $1 * $1 } / T) < 1e-12)
    let expected = zip(z, lse).map { z, lse in softmax(z).map { 2 / T * lse * $0 } }
    #expect(areEqual(gradient, expected))
  }

  @Test("Importance is the squared coefficient of variation, with the variance of all")
  func importance() throws {
    let (run, gradient) = try added { $0.softmax().top(2).weights().importance($1) }
    let z = try logits(run)
    var sums = [Double](repeating: 0, count: Self.experts)
    for z in z { for e in best(z) { sums[e] += softmax(z)[e] } }
    let n = Double(Self.experts)
    let mean = sums.reduce(0, +) / n
    let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    #expect(abs((run.terms["importance"] ?? 0) - variance / (mean * mean + 1e-10)) < 1e-9)
    let slopes = sums.map {
      2 * ($0 - mean) / (n * mean * mean) - 2 * variance / (n * mean * mean * mean)
    }
    let expected = z.map { z in
      let (p, chosen) = (softmax(z), best(z))
      let mean = chosen.reduce(0) { $0 + slopes[$1] * p[$1] }
      return p.indices.map { p[$0] * ((chosen.contains($0) ? slopes[$0] : 0) - mean) }
    }
    let (a, b) = (gradient.flatMap(\.self), expected.flatMap(\.self))
    #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  @Test("Layers that are pooled are K at balance, and share one f and one p")
  func pooled() throws {
    let run = try Self.run { z in
      let routing = z.top(2).softmax()
      MoE.balance([routing, (z * -1).top(2).softmax()], weight: 0.5)
      return routing
    }
    let z = try logits(run)
    let all = z + z.map { $0.map { -$0 } }
    let (rows, E) = (Double(all.count), Double(Self.experts))
    let (f, p) = (counts(all).map { $0 / rows }, all.map(softmax))
    let value = E * f.indices.reduce(0) { sum, e in sum + f[e] * p.reduce(0) { $0 + $1[e] } / rows }
    #expect(abs((run.terms["balance"] ?? 0) - value) < 1e-12)
  }

  @Test(
    "Which logits have a gradient is as published",
    arguments: [
      ("softmax of all", true), ("of the chosen", false), ("divided by their sum", false),
      ("sigmoids with a bias", false), ("the largest", true), ("ReLU", false),
    ])
  func reach(_ name: String, _ isDense: Bool) throws {
    let run = try Self.run { z in
      switch name {
      case "softmax of all": return z.softmax().top(2).weights()
      case "of the chosen": return z.top(2).softmax()
      case "divided by their sum": return z.softmax().top(2).normalized()
      case "the largest": return z.softmax().top(1).weights()
      case "ReLU": return z.relu().top(2).weights()
      default:
        let bias = routerBias("bias", Self.E)
        let s = z.sigmoid()
        return s.top(2, by: s + bias.value).normalized(scaled: 2.5).balanced(by: bias)
      }
    }
    let (z, gradient) = (try logits(run), rows(try #require(run.gradient(of: "logits"))))
    for (z, gradient) in zip(z, gradient) {
      let chosen = best(z)
      #expect(gradient.indices.contains { gradient[$0] != 0 })
      for e in gradient.indices where !chosen.contains(e) {
        // Divided by its sum a softmax gives the others what is 0 but for rounding.
        #expect((abs(gradient[e]) > 1e-14) == isDense)
      }
    }
    let check = try GradientCheck(run.graph)
    for result in try check.results() { #expect(result.isRight, "\(name) \(result)") }
  }

  @Test(
    "A bias turns by its rate to experts that had less than the mean, exactly, whoever reads it",
    arguments: [true, false])
  func bias(isRead: Bool) throws {
    let run = try Self.run { z in
      let bias = routerBias("bias", Self.E, rate: 0.25)
      return z.top(2, by: isRead ? z + bias.value : z).softmax().balanced(by: bias)
    }
    let counts = counts(try logits(run))
    let mean = Double(Self.tokens * Self.chosen) / Double(Self.experts)
    let expected = counts.map { $0 < mean ? 0.25 : $0 > mean ? -0.25 : 0 }
    #expect(run.state("bias") == expected && Set(expected).count > 1)
  }
}
