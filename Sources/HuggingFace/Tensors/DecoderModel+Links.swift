/// How a folder names its tensors.
struct NameStyle: Equatable, Sendable {
  /// What stands before all but the head: `model.`, `transformer.` or nothing.
  var prefix: String
  /// Whether all experts of a layer are in one tensor, gates and ups together, as transformers 5 has
  /// them in memory, and not one by one, as it saves them.
  var isStacked: Bool

  /// How transformers saves such a model.
  static func saved(_ architecture: Architecture) -> NameStyle {
    NameStyle(
      prefix: architecture == .gpt2 ? "transformer." : "model.", isStacked: architecture == .gptOSS)
  }
}

extension DecoderModel {
  /// Which of moec's tensors are which of the folder's; of GPT-2's positions the first `context`.
  func links(_ style: NameStyle, context: Int) -> [TensorLink] {
    var list = TensorLinks()
    if architecture == .gpt2 {
      linkGPT2(&list, style.prefix, context)
    } else {
      list.same("token.weight", style.prefix + "embed_tokens.weight", [vocabulary, width])
      for layer in 0..<depth {
        linkLayer(&list, "block.\(layer).", "\(style.prefix)layers.\(layer).", layer, style)
      }
      list.same("final.weight", style.prefix + "norm.weight", [width])
    }
    if !isTied { list.same("head.weight", "lm_head.weight", [vocabulary, width]) }
    return list.links
  }

  // MARK: - What follows Llama

  private func linkLayer(
    _ list: inout TensorLinks, _ ours: String, _ theirs: String, _ layer: Int, _ style: NameStyle
  ) {
    let (attention, room) = (
      ours + "attention.", ours + (sparse.contains(layer) ? "mixture." : "mlp.")
    )
    list.same(attention + "norm.weight", theirs + "input_layernorm.weight", [width])
    let kinds = [
      ("q", queryWidth, width, hasQueryBias), ("k", keyWidth, width, hasQueryBias),
      ("v", keyWidth, width, hasQueryBias), ("o", width, queryWidth, hasOutputBias),
    ]
    for (kind, out, from, hasBias) in kinds {
      link(&list, attention + kind, "\(theirs)self_attn.\(kind)_proj", [out, from], hasBias)
    }
    switch architecture.headNorm {
    case .none: break
    case .eachHead, .wholeWidth:
      let isEach = architecture.headNorm == .eachHead
      for (kind, all) in [("q", queryWidth), ("k", keyWidth)] {
        list.same(
          "\(attention)\(kind)_norm.weight", "\(theirs)self_attn.\(kind)_norm.weight",
          [isEach ? headWidth : all])
      }
    }
    if architecture == .gptOSS {
      list.same(attention + "sinks", theirs + "self_attn.sinks", [heads])
    }
    list.same(room + "norm.weight", theirs + "post_attention_layernorm.weight", [width])
    if sparse.contains(layer) {
      linkMixture(&list, room, theirs, style)
    } else {
      linkGated(&list, room, theirs + "mlp.", hidden, hasBias: hasDenseBias)
    }
  }

  private func link(
    _ list: inout TensorLinks, _ ours: String, _ theirs: String, _ shape: [Int], _ hasBias: Bool
  ) {
    list.same(ours + ".weight", theirs + ".weight", shape)
    if hasBias { list.same(ours + ".bias", theirs + ".bias", [shape[0]]) }
  }

  private func linkGated(
    _ list: inout TensorLinks, _ ours: String, _ theirs: String, _ size: Int, hasBias: Bool = false
  ) {
    for kind in ["gate", "up"] {
      link(&list, ours + kind, "\(theirs)\(kind)_proj", [size, width], hasBias)
    }
    link(&list, ours + "down", theirs + "down_proj", [width, size], hasBias)
  }

  // MARK: - Experts

  private func linkMixture(
    _ list: inout TensorLinks, _ ours: String, _ theirs: String, _ style: NameStyle
  ) {
    let isOldMixtral = architecture == .mixtral && !style.isStacked
    let room = theirs + (isOldMixtral ? "block_sparse_moe." : "mlp.")
    let router = architecture == .gptOSS ? "router" : "gate"
    link(&list, ours + "router", room + router, [experts, width], architecture == .gptOSS)
    if architecture == .gptOSS {
      linkInterleaved(&list, ours, room + "experts.")
    } else if style.isStacked {
      linkHalves(&list, ours, room + "experts.")
    } else {
      let names =
        isOldMixtral
        ? ["gate": "w1", "up": "w3", "down": "w2"]
        : ["gate": "gate_proj", "up": "up_proj", "down": "down_proj"]
      for (kind, shape) in expertShapes {
        list.stacked("\(ours)\(kind).weight", shape) {
          "\(room)experts.\($0).\(names[kind] ?? kind).weight"
        }
      }
    }
    guard architecture == .qwen2MoE else { return }
    linkGated(&list, ours + "shared.", room + "shared_expert.", sharedWidth)
    list.same(ours + "share.weight", room + "shared_expert_gate.weight", [1, width])
  }

  private var expertShapes: [(kind: String, shape: [Int])] {
    [
      ("gate", [experts, expertWidth, width]), ("up", [experts, expertWidth, width]),
      ("down", [experts, width, expertWidth]),
    ]
  }

  /// Gates above ups, [E, 2 I, C].
  private func linkHalves(_ list: inout TensorLinks, _ ours: String, _ theirs: String) {
    let size = expertWidth * width
    for (half, kind) in ["gate", "up"].enumerated() {
      list.within(
        "\(ours)\(kind).weight", [experts, expertWidth, width], theirs + "gate_up_proj",
        [experts, 2 * expertWidth, width], from: half * size, strides: [width, 1])
    }
    list.within(
      ours + "down.weight", [experts, width, expertWidth], theirs + "down_proj",
      [experts, width, expertWidth], strides: [expertWidth, 1])
  }

  /// gpt-oss's: [E, C, 2 I] with gates and ups in turns, and biases.
  private func linkInterleaved(_ list: inout TensorLinks, _ ours: String, _ theirs: String) {
    let both = 2 * expertWidth
    for (first, kind) in ["gate", "up"].enumerated() {
      list.within(
        "\(ours)\(kind).weight", [experts, expertWidth, width], theirs + "gate_up_proj",
        [experts, width, both], from: first, strides: [2, both])
      list.within(
        "\(ours)\(kind).bias", [experts, expertWidth], theirs + "gate_up_proj_bias",
        [experts, both], from: first, strides: [2])
    }
    list.within(
      ours + "down.weight", [experts, width, expertWidth], theirs + "down_proj",
      [experts, expertWidth, width], strides: [1, width])
    list.same(ours + "down.bias", theirs + "down_proj_bias", [experts, width])
  }

  // MARK: - GPT-2

  /// Its matrices are [in, out], and those of queries, keys and values lie side by side.
  private func linkGPT2(_ list: inout TensorLinks, _ prefix: String, _ context: Int) {
    list.same("token.weight", prefix + "wte.weight", [vocabulary, width])
    list.same(
      "position.weight", prefix + "wpe.weight", [context, width], of: [longest, width])
    for layer in 0..<depth {
      let (ours, theirs) = ("block.\(layer).", "\(prefix)h.\(layer).")
      let norms = [("attention.norm", "ln_1"), ("mlp.norm", "ln_2")]
      for (name, other) in norms { linkNorm(&list, ours + name, theirs + other) }
      for (index, kind) in ["query", "key", "value"].enumerated() {
        linkColumns(
          &list, "\(ours)attention.\(kind)", theirs + "attn.c_attn", [width, width],
          from: index * width, of: 3 * width)
      }
      linkColumns(
        &list, ours + "attention.proj", theirs + "attn.c_proj", [width, width], of: width)
      linkColumns(&list, ours + "mlp.up", theirs + "mlp.c_fc", [hidden, width], of: hidden)
      linkColumns(&list, ours + "mlp.proj", theirs + "mlp.c_proj", [width, hidden], of: width)
    }
    linkNorm(&list, "final", prefix + "ln_f")
  }

  private func linkNorm(_ list: inout TensorLinks, _ ours: String, _ theirs: String) {
    for part in ["weight", "bias"] { list.same("\(ours).\(part)", "\(theirs).\(part)", [width]) }
  }

  private func linkColumns(
    _ list: inout TensorLinks, _ ours: String, _ theirs: String, _ shape: [Int],
    from first: Int = 0, of columns: Int
  ) {
    list.columns(ours + ".weight", theirs + ".weight", shape, from: first, of: columns)
    list.columns(ours + ".bias", theirs + ".bias", [shape[0]], from: first, of: columns)
  }
}
