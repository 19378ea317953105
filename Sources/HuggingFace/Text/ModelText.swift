/// The text of a model.swift: a decoder in the words of the DSL, as in Examples.
public struct ModelText {
  let model: DecoderModel
  /// The model's name in the DSL.
  let name: String
  /// T and B.
  let context: Int
  let batch: Int
  /// Where it comes from, for the comment at its head.
  let origin: String
  /// Patterns of the names of parameters that keep their values.
  let frozen: [String]

  public init(
    _ model: DecoderModel, name: String, context: Int, batch: Int, origin: String,
    frozen: [String] = []
  ) {
    self.model = model
    self.name = name
    self.context = context
    self.batch = batch
    self.origin = origin
    self.frozen = frozen
  }

  /// The whole file.
  public var text: String {
    let parts =
      model.architecture == .gpt2
      ? [heading, gpt2Sizes, gpt2Attention] + gpt2Mixtures + [gpt2Block, gpt2Model]
      : [heading, sizes, attention] + (hasDense ? [dense] : []) + mixtures + [block, trunk]
    return parts.joined(separator: "\n\n") + "\n"
  }

  var hasDense: Bool { model.sparse.count < model.depth || model.sharedWidth > 0 }

  private var heading: String {
    """
    import MoE

    // \(origin), \(model.architecture.rawValue)\(experts). Written by 'moec import'; 'moec export' knows
    // it by the names and the order of its layers.
    """
  }

  private var experts: String {
    model.sparse.isEmpty ? "" : ", \(model.chosen) of \(model.experts) experts"
  }

  /// An axis's declaration, `C = Axis("C", 576)`.
  func axis(_ name: String, _ size: Int) -> String { "\(name) = Axis(\"\(name)\", \(size))" }

  /// Lines of declarations, none too long.
  func declarations(_ parts: [String]) -> String {
    var lines: [String] = []
    for part in parts {
      if let last = lines.last, last.count + part.count < 92 {
        lines[lines.count - 1] = last + ", " + part
      } else {
        lines.append("let " + part)
      }
    }
    return lines.joined(separator: "\n")
  }

  /// `LanguageModel(…) { text in`, with the optimizer of fine-tuning.
  var declaration: String {
    """
    LanguageModel("\(name)", vocabulary: V, context: T, batch: B, linearWeights: .normal(\(model.deviation)),
                  optimizer: .adamW(learningRate: 2e-5, beta2: 0.95, weightDecay: 0.1),
                  decaying: .matrices\(frozenText)) { text in
    """
  }
}

// MARK: - What follows Llama

extension ModelText {
  private var queryAxis: String { model.queryWidth == model.width ? "C" : "Q" }

  private var keyAxis: String {
    if model.keyWidth == model.width { return "C" }
    return model.width % model.keyWidth == 0 ? "C / \(model.width / model.keyWidth)" : "KV"
  }

  private var sizes: String {
    var axes = [axis("V", model.vocabulary), axis("T", context), axis("B", batch)]
    axes.append(axis("C", model.width))
    if queryAxis == "Q" { axes.append(axis("Q", model.queryWidth)) }
    if keyAxis == "KV" { axes.append(axis("KV", model.keyWidth)) }
    if model.sparse.count < model.depth { axes.append(axis(denseAxis, model.hidden)) }
    if !model.sparse.isEmpty {
      axes += [axis("F", model.expertWidth), axis("E", model.experts)]
    }
    if model.sharedWidth > 0 { axes += [axis("S", model.sharedWidth), axis("one", 1)] }
    var numbers = [
      "queryHeads = \(model.heads)", "keyHeads = \(model.keyHeads)", "depth = \(model.depth)",
    ]
    if !model.sparse.isEmpty { numbers.append("chosen = \(model.chosen)") }
    numbers += ["base = \(model.base)", "epsilon = \(model.epsilon)"]
    let scaling = model.scaling.map { "\nlet scaling = PositionScaling\($0.text)" } ?? ""
    return declarations(axes) + "\n" + declarations(numbers) + scaling + lists
  }

  /// Which layers have experts or see a window, where that differs.
  var lists: String {
    var text = ""
    if hasBoth {
      text += "\nlet mixtures: Set<Int> = \(layerList(model.sparse))"
    }
    if !model.windowed.isEmpty, model.windowed.count < model.depth {
      text += "\nlet windowed: Set<Int> = \(layerList(model.windowed))"
    }
    return text
  }

  /// An expert's width is F where there are experts, a dense layer's else.
  var denseAxis: String { model.sparse.isEmpty ? "F" : "M" }

  var hasBoth: Bool { !model.sparse.isEmpty && model.sparse.count < model.depth }

  private func layerList(_ layers: Set<Int>) -> String {
    var lines = [""]
    for layer in layers.sorted() {
      let text = lines[lines.count - 1]
      let next = text.isEmpty ? "\(layer)" : text + ", \(layer)"
      if next.count > 86 { lines.append("\(layer)") } else { lines[lines.count - 1] = next }
    }
    return lines.count == 1
      ? "[\(lines[0])]" : "[\n    " + lines.joined(separator: ",\n    ") + ",\n]"
  }

  private func linear(_ name: String, _ width: String, _ hasBias: Bool) -> String {
    ".linear(\"\(name)\", \(width)\(hasBias ? "" : ", bias: false"))"
  }

  // MARK: Attention

  private var attention: String {
    let q = projected("q", queryAxis, "queryHeads")
    let k = projected("k", keyAxis, "keyHeads")
    let v =
      "x" + linear("v", keyAxis, model.hasQueryBias) + clipped + ".heads(keyHeads)"
    let index = hasWindows ? ", _ index: Int" : ""
    var lines = [
      "/// Rotary attention, [B, T, C] -> [B, T, C].",
      "func selfAttention(_ x: Tensor\(index)) -> Tensor {", "    let q = \(q)",
      "    let k = \(k)", "    let v = \(v)",
    ]
    var options = ""
    if hasWindows { options += ", window: windowed.contains(index) ? \(model.window) : nil" }
    if !hasWindows, !model.windowed.isEmpty { options += ", window: \(model.window)" }
    if model.architecture == .gptOSS {
      lines.append(
        "    let sinks = parameter(\"sinks\", Axis(\"sinks\", queryHeads), initial: .normal(\(model.deviation)))"
      )
      options += ", sinks: sinks"
    }
    if model.attentionDropout > 0 { options += ", dropout: \(model.attentionDropout)" }
    let turned = ".rotary(base: base\(model.scaling == nil ? "" : ", scaling: scaling"))"
    let call = "    return attention(q\(turned), k\(turned), v"
    lines.append(options.isEmpty ? call + ")" : call + ",\n        " + options.dropFirst(2) + ")")
    lines.append("        .mergedHeads()" + linear("o", "C", model.hasOutputBias))
    return (lines + ["}"]).joined(separator: "\n")
  }

  var hasWindows: Bool { !model.windowed.isEmpty && model.windowed.count < model.depth }

  /// `.clamped(-8.0...8.0)`, where numbers are cut off.
  private var clipped: String {
    model.clip.map { ".clamped(-\($0)...\($0))" } ?? ""
  }

  private func projected(_ kind: String, _ width: String, _ heads: String) -> String {
    let norm = ".rmsNorm(\"\(kind)_norm\", epsilon: epsilon)"
    let linear = "x" + linear(kind, width, model.hasQueryBias)
    switch model.architecture.headNorm {
    case .none: return linear + clipped + ".heads(\(heads))"
    case .eachHead: return linear + clipped + ".heads(\(heads))\n        " + norm
    case .wholeWidth: return linear + norm + clipped + "\n        .heads(\(heads))"
    }
  }

  // MARK: Layers

  private var dense: String {
    let (gate, up) = (
      "x" + linear("gate", "width", model.hasDenseBias), linear("up", "width", model.hasDenseBias)
    )
    return """
      /// SwiGLU: down(silu(gate(x)) * up(x)).
      func gated(_ x: Tensor, _ width: Axis) -> Tensor {
          let gated = \(gate).silu() * x\(up)
          return gated\(linear("down", "C", model.hasDenseBias))
      }
      """
  }

  private var mixtures: [String] { model.sparse.isEmpty ? [] : [expert, mixture] }

  private var expert: String {
    if model.architecture != .gptOSS {
      let hasBias = model.hasDenseBias
      return """
        /// SwiGLU expert: down(silu(gate(x)) * up(x)).
        func expert(_ x: Routed) -> Routed {
            let gated = x\(linear("gate", "F", hasBias)).silu() * x\(linear("up", "F", hasBias))
            return gated\(linear("down", "C", hasBias))
        }
        """
    }
    let limit = "\(model.limit)"
    return """
      /// A clamped gated expert: down((up(x) + 1) * gate(x) * sigmoid(1.702 gate(x))).
      func expert(_ x: Routed) -> Routed {
          let gate = min(x.linear("gate", F), \(limit))
          let up = x.linear("up", F).clamped(-\(limit)...\(limit))
          return ((up + 1) * gate * (gate * 1.702).sigmoid()).linear("down", C)
      }
      """
  }

  private var mixture: String {
    let hasBalance = model.balance > 0
    let router = "x" + linear("router", "E", model.architecture == .gptOSS)
    let choice =
      model.isNormalized ? ".top(chosen).softmax()" : ".softmax().top(chosen).weights()"
    var lines = [
      "/// The experts of each token, weighed by the router.",
      "func mixture(_ x: Tensor\(hasBalance ? ", _ routings: inout [Routing]" : "")) -> Tensor {",
      "    let routing = \(router)\(choice)\(balanced)",
    ]
    if hasBalance { lines.append("    routings.append(routing)") }
    if model.sharedWidth > 0 {
      lines += [
        "    let shared = scope(\"shared\") { gated(x, S) }",
        "    let share = x.linear(\"share\", one, bias: false).sigmoid().sum(over: one)",
        "    return share * shared + expert(x.routed(by: routing)).combined()",
      ]
    } else {
      lines.append("    return expert(x.routed(by: routing)).combined()")
    }
    return (lines + ["}"]).joined(separator: "\n")
  }

  /// A loss of each layer's own; the layers stay alike by it.
  var balanced: String { model.layerBalance > 0 ? ".balanced(\(model.layerBalance))" : "" }

  private var takesIndex: Bool { hasWindows || hasBoth }

  private var block: String {
    let parameters =
      "_ x: Tensor" + (takesIndex ? ", _ index: Int" : "")
      + (model.balance > 0 ? ", _ routings: inout [Routing]" : "")
    let norm = "rmsNorm(\"norm\", epsilon: epsilon)"
    let index = hasWindows ? ", index" : ""
    let dense = "h + scope(\"mlp\") { gated(h.\(norm), \(denseAxis)) }"
    let routings = model.balance > 0 ? ", &routings" : ""
    let sparse = "h + scope(\"mixture\") { mixture(h.\(norm)\(routings)) }"
    var lines = [
      "func block(\(parameters)) -> Tensor {",
      "    let h = x + scope(\"attention\") { selfAttention(x.\(norm)\(index)) }",
    ]
    if hasBoth {
      lines += ["    if !mixtures.contains(index) {", "        return \(dense)", "    }"]
    }
    lines.append("    return " + (model.sparse.isEmpty ? dense : sparse))
    return (lines + ["}"]).joined(separator: "\n")
  }

  private var trunk: String {
    var lines = [declaration]
    let table = "text.tokens.embedding(\"token\", C, weights: .normal(\(model.deviation)))"
    if model.isTied {
      lines.append(
        "    let table = parameter(\"token.weight\", V, C, initial: .normal(\(model.deviation)))")
    }
    lines.append("    let x = " + (model.isTied ? "text.tokens.embedding(table)" : table))
    let final = "rmsNorm(\"final\", epsilon: epsilon)"
    let head = model.isTied ? ".linear(weight: table)" : ".linear(\"head\", V, bias: false)"
    if model.balance > 0 {
      let arguments = takesIndex ? "x, index" : "x"
      lines += [
        "    var routings: [Routing] = []",
        "    let y = layers(\"block\", depth, x) { \(arguments) in block(\(arguments), &routings) }",
        "    balance(routings, weight: \(model.balance))",
        "    return y.\(final)\(head)",
      ]
    } else {
      lines.append("    return layers(\"block\", depth, x, block).\(final)")
      lines.append("        \(head)")
    }
    return (lines + ["}"]).joined(separator: "\n")
  }
}
