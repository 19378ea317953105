// MARK: - GPT-2

extension ModelText {
  var gpt2Sizes: String {
    var axes = [
      axis("V", model.vocabulary), axis("T", context), axis("B", batch), axis("C", model.width),
    ]
    if model.sparse.count < model.depth { axes.append(axis(denseAxis, model.hidden)) }
    var numbers = ["heads = \(model.heads)", "depth = \(model.depth)"]
    if !model.sparse.isEmpty {
      axes += [axis("F", model.expertWidth), axis("E", model.experts)]
      numbers.append("chosen = \(model.chosen)")
    }
    numbers.append("epsilon = \(model.epsilon)")
    return declarations(axes) + "\n" + declarations(numbers) + lists
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

  /// Experts, which have what a dense layer has, and their mixture.
  var gpt2Mixtures: [String] {
    if model.sparse.isEmpty { return [] }
    return [
      """
      /// One of the experts, [B·T·K, C] by E.
      func expert(_ x: Routed) -> Routed {
          let deviation = \(model.deviation) / Double(2 * depth).squareRoot()
          return x.linear("up", F)\(activation).linear("proj", C, weights: .normal(deviation))
      }
      """,
      """
      /// The experts of each token, weighed by the router.
      func mixture(_ x: Tensor) -> Tensor {
          let routing = x.linear("router", E, bias: false).top(chosen).softmax()\(balanced)
          return expert(x.routed(by: routing)).combined()\(dropped(model.branchDropout))
      }
      """,
    ]
  }

  var gpt2Block: String {
    let norm = "layerNorm(\"norm\", epsilon: epsilon)"
    let dense = "h + scope(\"mlp\") { last(h.\(norm).linear(\"up\", \(denseAxis))\(activation)) }"
    let sparse = "h + scope(\"mixture\") { mixture(h.\(norm)) }"
    let choice =
      hasBoth ? "\n    if !mixtures.contains(index) {\n        return \(dense)\n    }" : ""
    let index = hasBoth ? ", _ index: Int" : ""
    return """
      func block(_ x: Tensor\(index)) -> Tensor {
          let h = x + scope("attention") { selfAttention(x.\(norm)) }\(choice)
          return \(model.sparse.isEmpty ? dense : sparse)
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
