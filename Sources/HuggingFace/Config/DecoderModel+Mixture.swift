import JSON

extension DecoderModel {
  // MARK: - Experts

  mutating func readMixture(_ reader: inout ConfigReader) {
    sparse = Set(0..<depth)
    balance = reader.number("router_aux_loss_coef", usual: architecture == .olmoe ? 0.01 : 0.001)
    if !reader.flag("output_router_logits", usual: false) { balance = 0 }
    switch architecture {
    case .mixtral, .gptOSS:
      experts = reader.count("num_local_experts", usual: architecture == .mixtral ? 8 : 128)
      expertWidth = reader.count("intermediate_size")
      chosen = reader.count("num_experts_per_tok", usual: architecture == .mixtral ? 2 : 4)
      if architecture == .mixtral {
        reader.mustBeNothing("router_jitter_noise")
      } else {
        limit = reader.positive("swiglu_limit", usual: 7)
        if reader.number("swiglu_alpha", usual: 1.702) != 1.702 {
          reader.refuse("swiglu_alpha is not 1.702, and moec has no other")
        }
        _ = (reader.value("experts_per_token"), reader.value("initial_context_length"))
      }
    case .olmoe:
      experts = reader.count("num_experts", usual: 64)
      expertWidth = reader.count("intermediate_size")
      chosen = reader.count("num_experts_per_tok", usual: 8)
      isNormalized = reader.flag("norm_topk_prob", usual: false)
      clip = reader.value("clip_qkv") == nil ? nil : reader.positive("clip_qkv", usual: 1)
    case .qwen2MoE, .qwen3MoE: readQwen(&reader)
    case .llama, .qwen3, .gpt2: break
    }
  }

  /// Some of Qwen's layers may be dense.
  private mutating func readQwen(_ reader: inout ConfigReader) {
    let isSecond = architecture == .qwen2MoE
    experts =
      reader.optionalCount("num_experts")
      ?? reader.count("num_local_experts", usual: isSecond ? 60 : 128)
    _ = reader.value("num_local_experts")
    expertWidth = reader.count("moe_intermediate_size", usual: isSecond ? 1408 : 768)
    hidden = reader.count("intermediate_size", usual: isSecond ? 5632 : 6144)
    chosen = reader.count("num_experts_per_tok", usual: isSecond ? 4 : 8)
    isNormalized = reader.flag("norm_topk_prob", usual: false)
    if isSecond { sharedWidth = reader.count("shared_expert_intermediate_size", usual: 5632) }
    let step = reader.count("decoder_sparse_step", usual: 1)
    let dense = reader.value("mlp_only_layers")
    let only = dense?.elements?.compactMap(\.whole) ?? []
    if let dense, dense.elements?.count != only.count {
      reader.refuse("mlp_only_layers", dense, "it must be a list of layers")
    }
    sparse = sparse.filter { ($0 + 1) % step == 0 && !only.contains($0) }
    if sparse.count == depth { hidden = 0 }
    if sparse.isEmpty {
      reader.refuse("decoder_sparse_step and mlp_only_layers leave no layer with experts")
    }
  }

  // MARK: - GPT-2

  mutating func readGPT2(_ reader: inout ConfigReader) {
    vocabulary = reader.count("vocab_size", usual: 50257)
    width = reader.count("n_embd", usual: 768)
    depth = reader.count("n_layer", usual: 12)
    heads = reader.count("n_head", usual: 12)
    keyHeads = heads
    headWidth = max(width / heads, 1)
    if width % heads != 0 { reader.refuse("n_embd \(width) does not divide into \(heads) heads") }
    longest = reader.count("n_positions", usual: 1024)
    _ = (reader.value("n_ctx"), reader.value("reorder_and_upcast_attn"))
    hidden = reader.optionalCount("n_inner") ?? 4 * width
    epsilon = reader.positive("layer_norm_epsilon", usual: 1e-5)
    deviation = reader.positive("initializer_range", usual: 0.02)
    isTied = reader.flag("tie_word_embeddings", usual: true)
    attentionDropout = reader.rate("attn_pdrop", usual: 0.1)
    branchDropout = reader.rate("resid_pdrop", usual: 0.1)
    inputDropout = reader.rate("embd_pdrop", usual: 0.1)
    (hasQueryBias, hasOutputBias, hasDenseBias) = (true, true, true)
    let name = reader.text(
      "activation_function", usual: "gelu_new",
      from: Activation.allCases.map(\.rawValue) + ["gelu_pytorch_tanh", "swish"])
    activation =
      Activation(rawValue: name) ?? (name == "swish" ? .silu : .geluByTanh)
    if !reader.flag("scale_attn_weights", usual: true) {
      reader.refuse("scale_attn_weights", .bool(false), "moec divides scores by √D")
    }
    reader.mustBeOff("scale_attn_by_inverse_layer_idx")
    for key in ["type", "use_proj", "activation", "proj_to_labels", "first_dropout"] {
      _ = reader.value("summary_\(key)")
    }
  }
}
