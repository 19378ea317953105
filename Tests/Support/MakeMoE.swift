import GraphIR
import MoE

/// The reference model of any size, written with the DSL as `Examples/makemoe.swift` is.
public struct MakeMoE: Sendable, CustomStringConvertible {
  public var name = "makemoe"
  public var (B, T, V, C) = (2, 7, 11, 12)
  public var (heads, depth) = (3, 2)
  public var (experts, chosen) = (4, 2)
  public var isNoisy = true
  public var isNoisyInEvaluation = true
  public var capacity: Double?
  public var dropout = 0.0

  /// Whether attention is written as `attention(q, k, v)`, not step by step.
  public var isFused = false

  /// Whether the head's weights are the token table.
  public var isTied = false

  /// Whether a learned tensor [B, T, C] is added to the embeddings: its gradient is what comes back
  /// from the first block, and nothing more.
  public var hasOffset = false

  /// Nil: 1 / √C, as the reference has it.
  public var attentionScale: Double?
  public var optimizer = GraphIR.Optimizer.adamW()

  public init(_ name: String = "makemoe", _ change: (inout MakeMoE) -> Void = { _ in }) {
    self.name = name
    change(&self)
  }

  public var description: String { name }

  /// `Examples/makemoe.swift` once more, so that tests have its graph in the process.
  public static let reference = MakeMoE("makemoe") {
    ($0.B, $0.T, $0.V, $0.C) = (16, 32, 65, 128)
    ($0.heads, $0.depth, $0.experts, $0.dropout) = (8, 8, 8, 0.1)
    $0.optimizer = .adamW(learningRate: 1e-3)
  }

  public func graph() throws -> Graph {
    let axes = Axes(self)
    return try LanguageModel.trace(
      name, vocabulary: axes.V, context: axes.T, batch: axes.B, linearWeights: .kaimingNormal,
      optimizer: optimizer
    ) { text in
      let table = isTied ? parameter("token.weight", axes.V, axes.C, initial: .normal(1)) : nil
      let tokens = table.map { text.tokens.embedding($0) } ?? text.tokens.embedding("token", axes.C)
      let x = tokens + text.positions.embedding("position", axes.C)
      let start =
        hasOffset
        ? x + parameter("offset", axes.B, axes.T, axes.C, initial: .normal(0.1)) : x
      let y = layers("block", depth, start) { block($0, axes) }.layerNorm("final")
      return table.map { y.linear(weight: $0) } ?? y.linear("head", axes.V)
    }
  }

  struct Axes {
    let V, T, B, C, E: MoE.Axis

    init(_ model: MakeMoE) {
      V = MoE.Axis("V", model.V)
      T = MoE.Axis("T", model.T)
      B = MoE.Axis("B", model.B)
      C = MoE.Axis("C", model.C)
      E = MoE.Axis("E", model.experts)
    }
  }

  private func dropped(_ x: Tensor) -> Tensor { dropout == 0 ? x : x.dropout(dropout) }

  private func selfAttention(_ x: Tensor, _ axes: Axes) -> Tensor {
    let q = x.linear("query", axes.C, bias: false).heads(heads)
    let k = x.linear("key", axes.C, bias: false).heads(heads)
    let v = x.linear("value", axes.C, bias: false).heads(heads)
    let scale = attentionScale ?? 1 / Double(C).squareRoot()
    let y =
      isFused
      ? attention(q, k, v, scale: scale, dropout: dropout)
      : dropped((q.matmul(k.transposed()) * scale).causalMasked().softmax()).matmul(v)
    return dropped(y.mergedHeads().linear("proj", axes.C))
  }

  private func route(_ x: Tensor, _ axes: Axes) -> Routing {
    let logits = x.linear("gate", axes.E)
    guard isNoisy else { return logits.top(chosen).softmax() }
    let spread = x.linear("noise", axes.E).softplus()
    let noise = Tensor.normal(like: logits, inEvaluation: isNoisyInEvaluation)
    return (logits + noise * spread).top(chosen).softmax()
  }

  private func expert(_ x: Routed, _ axes: Axes) -> Routed {
    let y = x.linear("up", 4 * axes.C).relu().linear("down", axes.C)
    return dropout == 0 ? y : y.dropout(dropout)
  }

  private func block(_ x: Tensor, _ axes: Axes) -> Tensor {
    let h = x + scope("attention") { selfAttention(x.layerNorm("norm"), axes) }
    return h
      + scope("mixture") {
        let n = h.layerNorm("norm")
        let routing = route(n, axes)
        let rows = capacity.map { n.routed(by: routing, capacity: $0) } ?? n.routed(by: routing)
        return expert(rows, axes).combined()
      }
  }
}
