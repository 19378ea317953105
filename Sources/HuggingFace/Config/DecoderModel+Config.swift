import Foundation
import JSON

extension DecoderModel {
  /// Reads a config.json. Errors: unreadable, an architecture that is not known, and every key that asks
  /// for what moec does not do.
  public init(config path: String) throws(FolderError) {
    var reader = try ConfigReader(path: path)
    guard let name = reader.value("model_type")?.name else {
      throw .malformed(path: path, reason: "it names no model_type")
    }
    guard let architecture = Architecture(rawValue: name) else {
      throw .unknownArchitecture(path: path, name: name)
    }
    self.init(architecture)
    reader.mustBeOff("is_encoder_decoder", "add_cross_attention")
    reader.mustBeNothing("pruned_heads", "quantization_config", "compression_config")
    if architecture == .gpt2 { readGPT2(&reader) } else { readTrunk(&reader) }
    if architecture.isMixture {
      readMixture(&reader)
    } else if architecture != .gpt2 {
      hidden = reader.count("intermediate_size")
    }
    checkSizes(&reader)
    try reader.finish()
  }

  // MARK: - What follows Llama

  private mutating func readTrunk(_ reader: inout ConfigReader) {
    vocabulary = reader.count("vocab_size")
    width = reader.count("hidden_size")
    depth = reader.count("num_hidden_layers")
    heads = reader.count("num_attention_heads")
    let isMixtral = architecture == .mixtral || architecture == .gptOSS
    keyHeads = reader.count("num_key_value_heads", usual: isMixtral ? 8 : heads)
    headWidth = reader.optionalCount("head_dim") ?? usualHeadWidth(&reader)
    longest = reader.count("max_position_embeddings", usual: 2048)
    epsilon = reader.positive("rms_norm_eps", usual: usualEpsilon)
    isTied = reader.flag("tie_word_embeddings", usual: false)
    deviation = reader.positive("initializer_range", usual: 0.02)
    attentionDropout = reader.rate("attention_dropout")
    _ = reader.text("hidden_act", usual: "silu", from: ["silu", "swish"])
    readPositions(&reader)
    readBiases(&reader)
    readWindows(&reader)
    reader.mustBeOff("rope_interleaved")
  }

  private func usualHeadWidth(_ reader: inout ConfigReader) -> Int {
    switch architecture {
    case .qwen3: return 128
    case .gptOSS: return 64
    case .llama, .mixtral, .olmoe, .gpt2, .qwen2MoE, .qwen3MoE:
      if width % heads != 0 {
        reader.refuse("hidden_size \(width) does not divide into \(heads) heads")
      }
      return max(width / heads, 1)
    }
  }

  private var usualEpsilon: Double {
    switch architecture {
    case .mixtral, .olmoe, .gptOSS, .gpt2: 1e-5
    case .llama, .qwen3, .qwen2MoE, .qwen3MoE: 1e-6
    }
  }

  private var usualBase: Double {
    switch architecture {
    case .mixtral: 1e6
    case .gptOSS: 150_000
    case .llama, .qwen3, .qwen2MoE, .qwen3MoE, .olmoe, .gpt2: 10_000
    }
  }

  /// gpt-oss has YaRN where its config says nothing.
  private mutating func readPositions(_ reader: inout ConfigReader) {
    let usual = Scaling.yarn(
      factor: 32, fast: 32, slow: 1, context: 4096, amplitude: 0.1 * log(32) + 1, rounds: false)
    (base, scaling) = reader.positions(
      usualBase: usualBase, longest: longest, usual: architecture == .gptOSS ? usual : nil)
    if base <= 1 { reader.refuse("rope_theta is \(base): it must be above 1") }
    if headWidth % 2 != 0 { reader.refuse("a head of \(headWidth) numbers has no pairs to turn") }
  }

  private mutating func readBiases(_ reader: inout ConfigReader) {
    switch architecture {
    case .llama:
      hasQueryBias = reader.flag("attention_bias", usual: false)
      hasOutputBias = hasQueryBias
      hasDenseBias = reader.flag("mlp_bias", usual: false)
    case .qwen3, .qwen3MoE, .olmoe:
      hasQueryBias = reader.flag("attention_bias", usual: false)
      hasOutputBias = hasQueryBias
    case .qwen2MoE: hasQueryBias = reader.flag("qkv_bias", usual: true)
    case .gptOSS:
      hasQueryBias = reader.flag("attention_bias", usual: true)
      hasOutputBias = hasQueryBias
    case .mixtral, .gpt2: break
    }
  }

  /// Which layers see a window: `layer_types` says it, or else rules of each architecture.
  private mutating func readWindows(_ reader: inout ConfigReader) {
    let size: Int?
    var layers = Set(0..<depth)
    switch architecture {
    case .llama, .olmoe, .gpt2: return
    case .mixtral: size = reader.optionalCount("sliding_window")
    case .gptOSS:
      size = reader.count("sliding_window", usual: 128)
      layers = layers.filter { $0 % 2 == 0 }
    case .qwen3, .qwen2MoE, .qwen3MoE:
      let isOn = reader.flag("use_sliding_window", usual: false)
      let given = reader.optionalCount("sliding_window")
      size = isOn ? given ?? 4096 : nil
      let first = reader.value("max_window_layers")?.whole ?? 28
      if architecture == .qwen3 { layers = layers.filter { $0 >= first } }
      if architecture == .qwen2MoE { layers = layers.filter { $0 % 2 == 0 && $0 < first } }
    }
    if let types = reader.value("layer_types") {
      let names = types.elements?.map(\.name) ?? []
      guard names.count == depth,
        names.allSatisfy({ ["full_attention", "sliding_attention"].contains($0) })
      else { return reader.refuse("layer_types", types, "it must name each layer's attention") }
      layers = Set(names.indices.filter { names[$0] == "sliding_attention" })
    }
    if let size, !layers.isEmpty { (window, windowed) = (size, layers) }
  }

  /// Products of sizes that no memory has would overflow later.
  private func checkSizes(_ reader: inout ConfigReader) {
    let widths = [width, queryWidth, keyWidth, hidden, expertWidth, sharedWidth]
    if [vocabulary, experts, depth].contains(where: { $0 > 1 << 24 })
      || widths.contains(where: { $0 > 1 << 24 })
    {
      reader.refuse("its sizes are larger than any model's")
    }
    if depth > 4096 { reader.refuse("it has more than 4096 layers") }
    if heads % max(keyHeads, 1) != 0 {
      reader.refuse("\(keyHeads) heads of keys do not divide \(heads) of queries")
    }
    if chosen > experts { reader.refuse("\(chosen) experts of \(experts) cannot be chosen") }
  }
}
