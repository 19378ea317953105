import JSON

extension DecoderModel {
  /// The config.json of transformers, all keys that make a difference, and `others` behind them.
  func config(others: [JSON.Member] = []) -> JSON {
    var members = architecture == .gpt2 ? gpt2Members : trunkMembers + mixtureMembers
    let known = Set(members.map(\.name))
    let tokens = ["bos_token_id", "eos_token_id", "pad_token_id"]
    let rest = others.filter { !known.contains($0.name) }
    let missing = tokens.filter { name in !rest.contains { $0.name == name } }
    members += rest + missing.map { member($0, .null) }
    return .object(members)
  }

  private func member(_ name: String, _ value: JSON) -> JSON.Member {
    .init(key: Array(name.utf8), value: value)
  }

  private func members(_ members: KeyValuePairs<String, JSON>) -> [JSON.Member] {
    members.map { member($0.key, $0.value) }
  }

  private var first: KeyValuePairs<String, JSON> {
    [
      "architectures": .array([.text(architecture.className)]),
      "model_type": .text(architecture.rawValue), "torch_dtype": .text("float32"),
      "vocab_size": .count(vocabulary), "tie_word_embeddings": .bool(isTied),
      "initializer_range": .numeral("\(deviation)"),
    ]
  }

  private var gpt2Members: [JSON.Member] {
    members(first)
      + members([
        "n_positions": .count(longest), "n_embd": .count(width), "n_layer": .count(depth),
        "n_head": .count(heads), "n_inner": .count(hidden),
        "activation_function": .text(activation.rawValue),
        "layer_norm_epsilon": .numeral("\(epsilon)"),
        "resid_pdrop": .numeral("\(branchDropout)"), "embd_pdrop": .numeral("\(inputDropout)"),
        "attn_pdrop": .numeral("\(attentionDropout)"),
      ])
  }

  private var trunkMembers: [JSON.Member] {
    let width = [.mixtral, .olmoe, .gptOSS].contains(architecture) ? expertWidth : hidden
    var members =
      members(first)
      + members([
        "hidden_size": .count(self.width), "num_hidden_layers": .count(depth),
        "num_attention_heads": .count(heads), "num_key_value_heads": .count(keyHeads),
        "head_dim": .count(headWidth), "hidden_act": .text("silu"),
        "intermediate_size": .count(max(width, 1)),
        "max_position_embeddings": .count(positionCount),
        "rms_norm_eps": .numeral("\(epsilon)"), "rope_theta": .numeral("\(base)"),
        "rope_parameters": positions, "attention_dropout": .numeral("\(attentionDropout)"),
      ])
    switch architecture {
    case .qwen2MoE: members.append(member("qkv_bias", .bool(hasQueryBias)))
    case .llama, .qwen3, .qwen3MoE, .olmoe, .gptOSS:
      members.append(member("attention_bias", .bool(hasQueryBias)))
    case .mixtral, .gpt2: break
    }
    if architecture == .llama { members.append(member("mlp_bias", .bool(hasDenseBias))) }
    return members + windowMembers
  }

  /// Scaled positions are as many as those of the first training, times the factor.
  private var positionCount: Int {
    switch scaling {
    case .llama3(let factor, _, _, let context): max(longest, Int(Double(context) * factor))
    case .yarn(let factor, _, _, let context, _, _): max(longest, Int(context * factor))
    case .linear, nil: longest
    }
  }

  /// What transformers 5 reads; older ones read the base beside it.
  private var positions: JSON {
    let kind = scaling?.members ?? [("rope_type", .text("default"))]
    return .object(
      ([("rope_theta", .numeral("\(base)"))] + kind).map { member($0.key, $0.value) })
  }

  private var windowMembers: [JSON.Member] {
    switch architecture {
    case .mixtral: return members(["sliding_window": windowed.isEmpty ? .null : .count(window)])
    case .llama, .olmoe, .gpt2: return []
    case .qwen3, .qwen2MoE, .qwen3MoE, .gptOSS:
      let types = (0..<depth).map { windowed.contains($0) ? "sliding_attention" : "full_attention" }
      var list = members([
        "sliding_window": windowed.isEmpty ? .null : .count(window),
        "layer_types": .array(types.map(JSON.text)),
      ])
      if architecture != .gptOSS {
        list.append(member("use_sliding_window", .bool(!windowed.isEmpty)))
      }
      return list
    }
  }

  private var mixtureMembers: [JSON.Member] {
    guard !sparse.isEmpty else { return [] }
    let local = architecture == .mixtral || architecture == .gptOSS
    var list = members([
      local ? "num_local_experts" : "num_experts": .count(experts),
      "num_experts_per_tok": .count(chosen), "output_router_logits": .bool(balance > 0),
    ])
    if balance > 0 { list.append(member("router_aux_loss_coef", .numeral("\(balance)"))) }
    switch architecture {
    case .gptOSS: list.append(member("swiglu_limit", .numeral("\(limit)")))
    case .olmoe:
      list.append(member("norm_topk_prob", .bool(isNormalized)))
      list.append(member("clip_qkv", clip.map { .numeral("\($0)") } ?? .null))
    case .qwen2MoE, .qwen3MoE:
      let dense = (0..<depth).filter { !sparse.contains($0) }
      list += members([
        "norm_topk_prob": .bool(isNormalized), "moe_intermediate_size": .count(expertWidth),
        "decoder_sparse_step": .count(1), "mlp_only_layers": .array(dense.map(JSON.count)),
      ])
      if architecture == .qwen2MoE {
        list.append(member("shared_expert_intermediate_size", .count(sharedWidth)))
      }
    case .mixtral, .llama, .qwen3, .gpt2: break
    }
    return list
  }
}
