import Foundation
import GraphIR
import Interpreter
import MoE
import Passes
import Testing

/// What chooses with all tokens in view, and what noise is for, beside formulas.
@Suite struct RouterNoiseTests {
  private typealias Axis = MoE.Axis

  @Test("Sinkhorn's scores are d₁ exp(z) d₀ after so many rounds")
  func sinkhorn() throws {
    let (V, T, B) = (Axis("V", 7), Axis("T", 6), Axis("B", 2))
    let (C, E) = (Axis("C", 4), Axis("E", 3))
    let graph = try LanguageModel.trace("sinkhorn", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let z = parameter("logits", B, T, E, initial: .normal(1))
      let routing = z.sigmoid().top(1, by: z.sinkhorn(rounds: 3)).weights()
      return (x + x.routed(by: routing).linear("up", C).combined()).linear("head", V)
    }
    let run = try Interpreter.onRandomTokens(Pipeline().run(graph)).run()
    let logits = try #require(run.graph.parameters.first { $0.parameter.name == "logits" }).node
    let top = try #require(run.graph.nodes.first { $0.op.kind == .top })
    let (powers, found) = (run[Value(node: logits)].floats.map(exp), run[top.inputs[0]].floats)
    var (d0, d1) = ([Double](repeating: 1, count: 12), [Double](repeating: 1, count: 3))
    for _ in 0..<3 {
      for t in d0.indices {
        d0[t] = 1 / 12.0 / ((0..<3).reduce(1e-8) { $0 + powers[3 * t + $1] * d1[$1] })
      }
      for e in d1.indices {
        d1[e] = 1 / 3.0 / ((0..<12).reduce(1e-8) { $0 + powers[3 * $1 + e] * d0[$1] })
      }
    }
    for i in found.indices {
      #expect(abs(found[i] - powers[i] * d0[i / 3] * d1[i % 3]) < 1e-12)
    }
  }

  /// Logits by themselves, and what a router makes of them, of so many experts.
  private static func run(
    mode: Interpreter.Mode = .training, _ routing: (Tensor) -> Routing
  ) throws -> Run {
    let (V, T, B) = (Axis("V", 7), Axis("T", 40), Axis("B", 8))
    let (C, E) = (Axis("C", 4), Axis("E", 5))
    let graph = try LanguageModel.trace("noisy", vocabulary: V, context: T, batch: B) { text in
      let x = text.tokens.embedding("token", C)
      let logits = parameter("logits", B, T, E, initial: .normal(1))
      return (x + x.routed(by: routing(logits)).linear("up", C).combined()).linear("head", V)
    }
    let options = PipelineOptions.reference
    return try Interpreter.onRandomTokens(Pipeline().run(graph, options: options), mode: mode).run()
  }

  private func numbers(_ run: Run, _ name: String) throws -> [Double] {
    let node = try #require(run.graph.parameters.first { $0.parameter.name == name }).node
    return run[Value(node: node)].floats
  }

  /// What the router chose from.
  private func scores(_ run: Run) throws -> [Double] {
    let top = try #require(run.graph.nodes.first { $0.op.kind == .top })
    return run[top.inputs[0]].floats
  }

  /// What a term of that weight adds to a gradient.
  private func added(_ name: String, _ term: (Tensor, Double) -> Routing) throws -> (Run, [Double])
  {
    let (with, without) = (try Self.run { term($0, 1) }, try Self.run { term($0, 0) })
    let a = try #require(with.gradient(of: name))
    let b = try #require(without.gradient(of: name))
    return (with, zip(a, b).map { $0 - $1 })
  }

  private func isClose(_ a: [Double], _ b: [Double], within tolerance: Double) -> Bool {
    let largest = b.map { abs($0) }.max() ?? 0
    return largest > 1e-6 && a.count == b.count
      && zip(a, b).allSatisfy { abs($0 - $1) < tolerance * largest }
  }

  /// Shazeer's load of noisy scores, with its slopes: in the clean scores and in the spread, of which
  /// thresholds are made too.
  private struct Load {
    var value = 0.0
    var clean: [Double]
    var spread: [Double]

    init(clean h: [Double], spread s: [Double], noisy z: [Double], experts: Int, chosen: Int) {
      (clean, spread) = (h.map { _ in 0 }, s.map { _ in 0 })
      var (thresholds, density) = ([Int](), [Double]())
      var sums = [Double](repeating: 0, count: experts)
      for i in h.indices {
        let first = i / experts * experts
        let order = (first..<first + experts).sorted { z[$0] > z[$1] }
        // The next one where the expert is chosen, else the last one that is.
        let threshold = order[order.prefix(chosen).contains(i) ? chosen : chosen - 1]
        let u = (h[i] - z[threshold]) / s[i]
        thresholds.append(threshold)
        density.append(exp(-u * u / 2) / (2 * Double.pi).squareRoot())
        sums[i % experts] += (1 + erf(u / 2.0.squareRoot())) / 2
      }
      let n = Double(experts)
      let mean = sums.reduce(0, +) / n
      let variance = sums.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
      value = variance / (mean * mean + 1e-10)
      for i in h.indices {
        let from = sums[i % experts] - mean
        let slope = 2 * from / (n * mean * mean) - 2 * variance / (n * mean * mean * mean)
        let (t, part) = (thresholds[i], slope * density[i] / s[i])
        clean[i] += part
        clean[t] -= part
        spread[i] -= part * (h[i] - z[t]) / s[i]
        spread[t] -= part * (z[t] - h[t]) / s[t]
      }
    }
  }

  @Test(
    "Load is the variation of the chances to be chosen, beyond the next score or the last chosen")
  func load() throws {
    let E = Axis("E", 5)
    let term: (Tensor, Double) -> Routing = { h, weight in
      let s = parameter("spread", Axis("B", 8), Axis("T", 40), E, initial: .normal(1))
      let spread = s.squared() + 0.3
      let noisy = h + .normal(like: h) * spread
      return noisy.top(2).softmax().load(weight, clean: h, spread: spread)
    }
    let (run, gradient) = try added("logits", term)
    let s = try numbers(run, "spread")
    let expected = Load(
      clean: try numbers(run, "logits"), spread: s.map { $0 * $0 + 0.3 },
      noisy: try scores(run), experts: 5, chosen: 2)
    #expect(abs((run.terms["load"] ?? 0) - expected.value) < 1e-12)
    #expect(expected.value > 1e-4)
    #expect(isClose(gradient, expected.clean, within: 1e-8))
    let slopes = zip(expected.spread, s).map { $0 * 2 * $1 }
    #expect(isClose(try added("spread", term).1, slopes, within: 1e-8))
  }

  @Test("Jitter draws factors around 1 in training, the same in backward, and none in evaluation")
  func jitter() throws {
    let share = 0.2
    let term: (Tensor, Double) -> Routing = { z, weight in
      let jittered = z.jittered(share)
      auxiliary("sum", weight: weight, jittered.sum())
      return jittered.top(2).softmax()
    }
    let (run, gradient) = try added("logits", term)
    let factors = zip(try scores(run), try numbers(run, "logits")).map { $0 / $1 }
    #expect(factors.allSatisfy { $0 >= 1 - share && $0 <= 1 + share })
    let count = Double(factors.count)
    let mean = factors.reduce(0, +) / count
    let variance = factors.reduce(0) { $0 + ($1 - 1) * ($1 - 1) } / count
    #expect(count == 1600 && abs(mean - 1) < 0.012)
    #expect(abs(variance - share * share / 3) < 0.1 * share * share / 3)
    #expect((factors.min() ?? 1) < 1 - 0.95 * share && (factors.max() ?? 1) > 1 + 0.95 * share)
    #expect(zip(gradient, factors).allSatisfy { abs($0 - $1) < 1e-12 })
    let quiet = try Self.run(mode: .evaluation) { term($0, 1) }
    #expect(try scores(quiet) == numbers(quiet, "logits"))
  }
}
