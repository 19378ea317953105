// MARK: - GPT-2

extension ModelText {
  var gpt2Sizes: String {
    let axes = [
      axis("V", model.vocabulary), axis("T", context), axis("B", batch), axis("C", model.width),
      axis("F", model.hidden),
    ]
    let numbers = [
      "heads = \(model.heads)", "depth = \(model.depth)", "epsilon = \(model.epsilon)",
    ]
    return declarations(axes) + "\n" + declarations(numbers)
  }

  private func dropped(_ rate: Double) -> String { rate > 0 ? ".dropout(\(rate))" : "" }

  var gpt2Attention: String {
    let dropout =
      model.attentionDropout > 0 ? ", dropout: \(model.attentionDropout)" : ""
    return """
      /// The last layer of a residual branch: there are 2 · depth of them, whose sum begins small.
      func last(_ x: Tensor) -> Tensor {
          let deviation = \(model.deviation) / Double(2 * depth).squareRoot()
          return x.linear("proj", C, weights: .normal(deviation))\(dropped(model.branchDropout))
      }

      /// Causal self-attention, [B, T, C] -> [B, T, C].
      func selfAttention(_ x: Tensor) -> Tensor {
          let q = x.linear("query", C).heads(heads)
          let k = x.linear("key", C).heads(heads)
          let v = x.linear("value", C).heads(heads)
          return last(attention(q, k, v\(dropout)).mergedHeads())
      }
      """
  }

  private var activation: String {
    switch model.activation {
    case .geluByTanh: ".gelu(.tanh)"
    case .gelu: ".gelu()"
    case .relu: ".relu()"
    case .silu: ".silu()"
    }
  }

  var gpt2Block: String {
    let norm = "layerNorm(\"norm\", epsilon: epsilon)"
    return """
      func block(_ x: Tensor) -> Tensor {
          let h = x + scope("attention") { selfAttention(x.\(norm)) }
          return h + scope("mlp") { last(h.\(norm).linear("up", F)\(activation)) }
      }
      """
  }

  var gpt2Model: String {
    let sum = "text.tokens.embedding(table) + positions"
    let dropout = dropped(model.inputDropout)
    let x = dropout.isEmpty ? sum : "(\(sum))\(dropout)"
    let head = model.isTied ? ".linear(weight: table)" : ".linear(\"head\", V, bias: false)"
    return """
      \(declaration)
          let table = parameter("token.weight", V, C, initial: .normal(\(model.deviation)))
          let positions = text.positions.embedding("position", C, weights: .normal(\(model.deviation)))
          let x = \(x)
          return layers("block", depth, x, block).layerNorm("final", epsilon: epsilon)
              \(head)
      }
      """
  }
}
