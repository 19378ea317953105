import GraphIR
import MoE

/// A small model whose layers lie in scopes, in one another, or reach past each other.
public struct LayeredModel: Sendable, CustomStringConvertible {
  public enum Form: String, Sendable, CaseIterable {
    /// In nothing, and in a scope: the same layers.
    case plain, scoped

    /// Three layers in each of `depth`, which has a norm before and a dropout after them.
    case nested

    /// Blocks with two dropouts, whose last step is the dropout of a product.
    case dense

    /// Heads go from layer to layer.
    case heads

    /// Before the layers stands what the first one does too; a result goes past all of them.
    case repeated

    /// All layers read one more value, or one parameter, from outside.
    case skip, shared

    /// Every other layer is another, by the model's own will.
    case mixed

    /// A mixture beside an expert for all tokens, with a loss of each layer's own.
    case balanced

    /// One routing of all layers; a parameter of the activations' shape: what has no layers of its own.
    case routed, offset
  }

  public var form: Form
  public var depth: Int

  /// The numbers of a token; at 16 queries, keys and values are one product.
  public var width: Int

  public init(_ form: Form, depth: Int = 4, width: Int = 16) {
    self.form = form
    self.depth = depth
    self.width = width
  }

  public var description: String { "\(form.rawValue), \(depth) layers" }

  /// How many layers the plan has.
  public static let distinct: [Form: Int] = [
    .plain: 3, .scoped: 3, .nested: 5, .dense: 3, .heads: 3, .repeated: 3, .mixed: 4,
    .balanced: 3,
  ]

  public func graph() throws -> Graph {
    let (V, T, B) = (MoE.Axis("V", 11), MoE.Axis("T", 7), MoE.Axis("B", 2))
    let C = MoE.Axis("C", width)
    return try LanguageModel.trace(
      form.rawValue, vocabulary: V, context: T, batch: B, linearWeights: .normal(0.2),
      optimizer: .adamW()
    ) { text in
      let tokens = text.tokens.embedding("token", C)
      let x = form == .repeated ? tokens : tokens + text.positions.embedding("position", C)
      return body(x, C, B, T).layerNorm("final").linear("head", V)
    }
  }

  private func body(_ x: Tensor, _ C: MoE.Axis, _ B: MoE.Axis, _ T: MoE.Axis) -> Tensor {
    let mixture = MoE.Axis("E", 3)
    switch form {
    case .plain, .dense: return layers("block", depth, x) { dense($0, C) }
    case .scoped: return scope("decoder") { layers("block", depth, x) { dense($0, C) } }
    case .nested:
      return layers("outer", depth, x) { x in
        layers("inner", 3, x.layerNorm("before")) { dense($0, C) }.linear("after", C).dropout(0.2)
      }
    case .heads:
      return layers("block", depth, x.heads(2)) { heads in
        let n = heads.mergedHeads().layerNorm("norm")
        return attention(n.heads(2), n.heads(2), n.linear("v", C).heads(2)) + n.heads(2)
      }.mergedHeads()
    case .repeated:
      return x.relu() + layers("block", depth, x) { x in x + x.relu().linear("up", C).gelu() }
    case .skip: return layers("block", depth, x) { h in h + (h.layerNorm("n") + x).linear("up", C) }
    case .shared:
      let gain = parameter("gain", C)
      return layers("block", depth, x) { h in h + (h.layerNorm("n") * gain).linear("up", C).gelu() }
    case .mixed:
      var number = 0
      return layers("block", depth, x) { h in
        number += 1
        let up = h.layerNorm("n").linear("up", C)
        return h + (number % 2 == 0 ? up.gelu() : up.relu())
      }
    case .balanced:
      return layers("block", depth, x) { h in
        let n = h.layerNorm("norm")
        let scores = n.linear("router", mixture, bias: false).sigmoid()
        let routing = scores.top(2).normalized().balanced(0.01, over: .sequence)
        let shared = n.linear("shared", C).gelu().linear("down", C, bias: false)
        return h + shared + n.routed(by: routing).linear("up", C).gelu().combined()
      }
    case .routed:
      let routing = x.linear("gate", mixture).top(2).softmax()
      return layers("block", depth, x) { h in
        h + h.routed(by: routing).linear("up", C).gelu().combined()
      }
    case .offset:
      return layers("block", depth, x + parameter("offset", B, T, C)) { dense($0, C) }
    }
  }

  private func dense(_ x: Tensor, _ C: MoE.Axis) -> Tensor {
    let h =
      x
      + scope("attention") {
        let n = x.layerNorm("norm")
        let parts = ["q", "k", "v"].map { n.linear($0, C, bias: false).heads(2) }
        return attention(parts[0], parts[1], parts[2], dropout: 0.1).mergedHeads().linear("proj", C)
          .dropout(0.1)
      }
    return h
      + scope("mlp") {
        h.layerNorm("norm").linear("up", 2 * C).relu().linear("down", C).dropout(0.2)
      }
  }
}
