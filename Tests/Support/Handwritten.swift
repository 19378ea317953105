import Foundation
import GraphIR
import MoE

/// Functions that are built in, written with elementary ones as a model might write them.
public enum Handwritten {
  /// The last axis divided by its root mean square.
  public static func rmsNorm(
    _ x: Tensor, _ name: String, _ C: MoE.Axis, epsilon: Double = 1e-5
  ) -> Tensor {
    let weight = parameter("\(name).weight", C, initial: .ones)
    return x / (x.squared().mean(over: C) + epsilon).sqrt() * weight
  }

  /// Pairs of a head's numbers, i and i + D / 2, turned by the position's angle.
  public static func rotary(
    _ x: Tensor, _ D: MoE.Axis, _ text: MoE.Text, base: Double = 10_000
  ) -> Tensor {
    let half = MoE.Axis("Half", D.size / 2)
    let turns = (half.indices() * (-2 / Double(D.size)) * log(base)).exp()
    let angles = text.positions.numbers(over: half) * turns
    let (first, second) = (x.slice(half, from: 0), x.slice(half, from: half.size))
    return concatenated(
      first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin(),
      as: D)
  }

  /// The sum of two experts' results, weighted by the softmax of their logits alone.
  public static func mixture(
    _ x: Tensor, _ logits: Tensor, _ E: MoE.Axis, _ expert: (Routed) -> Routed
  ) -> Tensor {
    let powers = (logits - logits.max(over: E).stopGradient()).exp()
    let routing = (powers / powers.sum(over: E)).top(2).weights()
    return expert(x.routed(by: routing)).combined() / routing.allWeights().sum(over: E)
  }
}

/// A small model like Mixtral, of functions that are built in or of those written by hand.
public struct MixtralModel {
  public var isWritten: Bool

  public init(isWritten: Bool) { self.isWritten = isWritten }

  private let V = MoE.Axis("V", 11)
  private let T = MoE.Axis("T", 13)
  private let B = MoE.Axis("B", 2)
  private let C = MoE.Axis("C", 12)
  private let E = MoE.Axis("E", 4)
  private let D = MoE.Axis("D", 6)

  public func graph() throws -> Graph {
    try LanguageModel.trace(
      isWritten ? "written" : "built-in", vocabulary: V, context: T, batch: B,
      linearWeights: .normal(0.4)
    ) { text in
      let x = text.tokens.embedding("token", C)
      return norm(layers("block", 2, x) { block($0, text) }, "final").linear("head", V)
    }
  }

  private func block(_ x: Tensor, _ text: MoE.Text) -> Tensor {
    let n = norm(x, "norm")
    let (q, k) = (turned(n.linear("q", C), text), turned(n.linear("k", C), text))
    let v = n.linear("v", C).heads(2)
    let h = x + attention(q, k, v).mergedHeads().linear("proj", C)
    let m = norm(h, "mixture_norm")
    let logits = m.linear("gate", E, bias: false)
    func expert(_ rows: Routed) -> Routed {
      (rows.linear("gated", 2 * C).silu() * rows.linear("up", 2 * C)).linear("down", C)
    }
    if isWritten { return h + Handwritten.mixture(m, logits, E, expert) }
    return h + expert(m.routed(by: logits.top(2).softmax())).combined()
  }

  private func norm(_ x: Tensor, _ name: String) -> Tensor {
    isWritten ? Handwritten.rmsNorm(x, name, C) : x.rmsNorm(name)
  }

  private func turned(_ x: Tensor, _ text: MoE.Text) -> Tensor {
    isWritten ? Handwritten.rotary(x.heads(2), D, text) : x.heads(2).rotary()
  }
}
