import GraphIR
import MoE

/// A small model in which the axes of the batch and of the context are also something else.
public struct AxisModel: Sendable, CustomStringConvertible {
  public let name: String
  public var (B, T, V) = (3, 6, 7)
  public let body: @Sendable (MoE.Text, Axes) -> Tensor

  /// The axes with which a model is declared, where they are not B, T and V.
  public var declared:
    (@Sendable (Axes) -> (vocabulary: MoE.Axis, context: MoE.Axis, batch: MoE.Axis))?

  public struct Axes: Sendable {
    public let V, T, B, C: MoE.Axis
  }

  public init(
    _ name: String, _ change: (inout AxisModel) -> Void = { _ in },
    body: @escaping @Sendable (MoE.Text, Axes) -> Tensor
  ) {
    self.name = name
    self.body = body
    change(&self)
  }

  public var description: String { "\(name), B \(B), T \(T)" }

  /// The same model with other sizes.
  public func sized(_ B: Int, _ T: Int) -> AxisModel {
    var copy = self
    (copy.B, copy.T) = (B, T)
    return copy
  }

  public func graph() throws -> Graph {
    let axes = Axes(
      V: MoE.Axis("V", V), T: MoE.Axis("T", T), B: MoE.Axis("B", B), C: MoE.Axis("C", 8))
    let declared = declared?(axes) ?? (axes.V, axes.T, axes.B)
    return try LanguageModel.trace(
      name, vocabulary: declared.0, context: declared.1, batch: declared.2,
      linearWeights: .normal(0.5)
    ) { body($0, axes) }
  }
}

extension AxisModel {
  /// Token and position vectors of a width.
  @Sendable public static func start(_ text: MoE.Text, _ C: MoE.Axis) -> Tensor {
    text.tokens.embedding("token", C) + text.positions.embedding("position", C)
  }

  /// What attention multiplies: two matrices for each sequence, and their product.
  private static func scores(_ x: Tensor, _ C: MoE.Axis) -> (scores: Tensor, values: Tensor) {
    let (q, k) = (x.linear("query", C).heads(2), x.linear("key", C).heads(2))
    return (q.matmul(k.transposed()) * 0.5, x.linear("value", C).heads(2))
  }

  private static func mixture(_ x: Tensor, _ experts: MoE.Axis, _ width: MoE.Axis) -> Tensor {
    let routing = x.linear("gate", experts).top(1).softmax()
    return x.routed(by: routing).linear("up", width).gelu().linear("down", width).combined()
  }

  /// Widths that are the context, the batch, or made of them.
  public static let widths: [AxisModel] = [
    AxisModel("width") { $0.tokens.embedding("tok", $1.T).linear("head", $1.V) },
    AxisModel("batch-width") { $0.tokens.embedding("tok", $1.B).linear("head", $1.V) },
    AxisModel("products") { text, a in
      let x = start(text, 4 * a.T).layerNorm("norm").linear("a", a.B * a.T).gelu()
      return x.linear("b", a.T / 2).linear("c", 3 * a.B).relu().linear("head", a.V)
    },
    AxisModel("layers-of-width") { text, a in
      let x = layers("block", 2, start(text, a.T)) { x in
        let n = x.layerNorm("norm")
        let (q, k) = (n.linear("q", a.T).heads(2), n.linear("k", a.T).heads(2))
        let h = x + attention(q, k, n.linear("v", a.T).heads(2), dropout: 0.1).mergedHeads()
        return h
          + h.layerNorm("norm2").linear("up", 4 * a.T).gelu().linear("down", a.T).dropout(0.2)
      }
      return x.layerNorm("final").linear("head", a.V)
    },
    AxisModel("scaled-width") { text, a in
      (text.tokens.embedding("tok", a.T) * parameter("scale", a.T)
        + parameter("shift", a.T, a.T)).linear("head", a.V)
    },
  ]

  /// Parameters that hold something for each position or sequence.
  public static let parameters: [AxisModel] = [
    AxisModel("position-bias") { text, a in
      let x = start(text, a.C)
      let (scores, values) = scores(x, a.C)
      let bias = text.positions.embedding("bias", a.T)
      return (x + (scores + bias).causalMasked().softmax().matmul(values).mergedHeads())
        .linear("head", a.V)
    },
    AxisModel("pair-parameter") { text, a in
      let x = start(text, a.C)
      let (scores, values) = scores(x, a.C)
      let weights = (scores * parameter("pairs", a.T, a.T)).softmax().dropout(0.2)
      return (x + weights.matmul(values).mergedHeads()).linear("head", a.V)
    },
    AxisModel("position-parameter") { text, a in
      let x = text.tokens.embedding("token", a.C) + parameter("position", a.T, a.C)
      return (x * parameter("gain", a.B, a.T, a.C).gelu() - parameter("other", a.T, a.C).tanh())
        .linear("head", a.V)
    },
    AxisModel("batch-parameter") { text, a in
      let x = parameter("offset", a.B, a.T, a.C) + start(text, a.C)
      let y = x * parameter("sequence", a.B) + parameter("token.bias", a.B, a.T)
      return (y.linear("up", a.C) + parameter("residual", a.B, a.T, a.C)).linear("head", a.V)
    },
    AxisModel("norm-over-positions") { text, a in
      let x = start(text, a.C)
      let (scores, values) = scores(x, a.C)
      return (x + scores.layerNorm("norm").softmax().matmul(values).mergedHeads())
        .linear("head", a.V)
    },
    AxisModel("mixed-positions") { text, a in
      let x = start(text, a.C)
      let mixed = x.transposed().linear("mix", a.T).gelu().linear("back", a.T).transposed()
      return (x + mixed).linear("head", a.V)
    },
    AxisModel("learned-weights") { text, a in
      let x = start(text, a.C)
      let weights = parameter("weights", a.B, a.T, a.T).causalMasked().softmax()
      return (x + weights.matmul(x)).linear("head", a.V)
    },
    AxisModel("learned-keys") { text, a in
      let x = start(text, a.C)
      let memory = parameter("memory", a.B, a.T, a.C).heads(2)
      let y = attention(x.linear("q", a.C).heads(2), memory, x.linear("v", a.C).heads(2))
      return (x + y.mergedHeads()).linear("head", a.V)
    },
    AxisModel("written-keys") { text, a in
      let x = start(text, a.C)
      let memory = parameter("memory", a.B, a.T, a.C)
      let weights = x.matmul(memory.transposed()).causalMasked().softmax()
      return (x + weights.matmul(memory)).linear("head", a.V)
    },
  ]

  /// Experts, heads, vocabularies and declarations.
  public static let roles: [AxisModel] = [
    AxisModel("experts-context") { text, a in
      let x = start(text, a.T)
      return (x + mixture(x, a.T, a.T)).linear("head", a.V)
    },
    AxisModel("experts-batch") { text, a in
      let x = start(text, a.B)
      return (x + mixture(x, a.B, a.B) + parameter("shift", a.T, a.B)).linear("head", a.V)
    },
    AxisModel("experts-product") { text, a in
      let x = start(text, a.C)
      let experts = MoE.Axis("G", 2) * MoE.Axis("E", 2)
      let routing = x.linear("gate", experts).top(2).softmax()
      let rows = x.routed(by: routing, capacity: .share(1.2, atLeast: 1))
      return (x + rows.linear("up", a.C).gelu().combined()).linear("head", a.V)
    },
    AxisModel("routed-parameter") { text, a in
      let x = start(text, a.C)
      let routing = x.linear("gate", a.T).top(2).softmax()
      let rows = parameter("rows", a.B, a.T, a.C).routed(by: routing).linear("up", a.T * a.B)
      return (x + rows.gelu().linear("down", a.C).combined()).linear("head", a.V)
    },
    AxisModel("vocabulary-context", { $0.declared = { ($0.T, $0.T, $0.B) } }) { text, a in
      start(text, a.C).linear("head", a.T)
    },
    AxisModel("vocabulary-batch", { $0.declared = { ($0.B, $0.T, $0.B) } }) { text, a in
      start(text, a.B).linear("head", a.B)
    },
    AxisModel("square", { $0.declared = { ($0.V, $0.T, $0.T) } }) { text, a in
      let x = start(text, a.T)
      let h = layers("block", 2, x) { x in
        let (q, k) = (x.linear("q", a.C).heads(2), x.linear("k", a.C).heads(2))
        return x
          + attention(q, k, x.linear("v", a.C).heads(2)).mergedHeads().linear("proj", a.T)
      }
      return (h + mixture(h, a.T, a.T)).linear("head", a.V)
    },
    AxisModel("product-context", { $0.declared = { ($0.V, 2 * $0.T, $0.B) } }) { text, a in
      let x = start(text, 2 * a.T)
      let (q, k) = (x.linear("q", 2 * a.T).heads(2), x.linear("k", 2 * a.T).heads(2))
      let y = attention(q, k, x.linear("v", 2 * a.T).heads(2)).mergedHeads()
      return (y + mixture(y, a.T, 2 * a.T) + parameter("shift", 2 * a.T, 2 * a.T))
        .linear("head", a.V)
    },
    AxisModel("context-of-batch", { $0.declared = { ($0.V, $0.B * $0.T, $0.B) } }) { text, a in
      let x = start(text, a.B * a.T) * parameter("gain", a.B, a.B * a.T)
      return (x + mixture(x, a.B, a.B * a.T)).linear("head", a.V)
    },
    AxisModel("all-one-axis", { $0.declared = { ($0.T, $0.T, $0.T) } }) { text, a in
      let x = start(text, a.T)
      return (x + mixture(x, a.T, a.T) + parameter("shift", a.T, a.T)).linear("head", a.T)
    },
  ]

  public static let all = widths + parameters + roles
}
