/// The architectures of transformers that are known, by their `model_type`.
public enum Architecture: String, CaseIterable, Sendable {
  case llama, mixtral, qwen3, olmoe, gpt2
  case qwen2MoE = "qwen2_moe"
  case qwen3MoE = "qwen3_moe"
  case gptOSS = "gpt_oss"

  /// The class that reads its folders.
  var className: String {
    switch self {
    case .llama: "LlamaForCausalLM"
    case .mixtral: "MixtralForCausalLM"
    case .qwen3: "Qwen3ForCausalLM"
    case .olmoe: "OlmoeForCausalLM"
    case .gpt2: "GPT2LMHeadModel"
    case .qwen2MoE: "Qwen2MoeForCausalLM"
    case .qwen3MoE: "Qwen3MoeForCausalLM"
    case .gptOSS: "GptOssForCausalLM"
    }
  }

  /// Whether its layers may have experts.
  var isMixture: Bool {
    switch self {
    case .mixtral, .olmoe, .qwen2MoE, .qwen3MoE, .gptOSS: true
    case .llama, .qwen3, .gpt2: false
    }
  }

  /// How queries and keys are normalised.
  var headNorm: HeadNorm {
    switch self {
    case .qwen3, .qwen3MoE: .eachHead
    case .olmoe: .wholeWidth
    case .llama, .mixtral, .gpt2, .qwen2MoE, .gptOSS: .none
    }
  }

  enum HeadNorm { case none, eachHead, wholeWidth }
}

/// A decoder as its config.json describes it: sizes, and what differs from one architecture to another.
public struct DecoderModel: Equatable, Sendable {
  public var architecture: Architecture
  /// V, C, and how many layers.
  public var vocabulary = 0
  public var width = 0
  public var depth = 0
  /// Query heads, those of keys and values, and the width of each.
  public var heads = 0
  public var keyHeads = 0
  public var headWidth = 0
  /// The width inside a dense layer.
  public var hidden = 0
  /// The width of an expert, how many there are, how many see a token, the width of that of all tokens.
  public var expertWidth = 0
  public var experts = 0
  public var chosen = 0
  public var sharedWidth = 0
  /// Which layers have experts.
  public var sparse: Set<Int> = []
  /// Whether the weights of the chosen experts sum to 1.
  public var isNormalized = true

  /// Positions that it was trained for.
  public var longest = 0
  /// The base of its rotary positions.
  public var base = 10_000.0
  /// How they are scaled to a longer context.
  public var scaling: Scaling?
  public var epsilon = 1e-5
  /// Whether the head is the token table.
  public var isTied = false
  /// Biases of queries, keys and values; of what attention gives; of a dense layer's products.
  public var hasQueryBias = false
  public var hasOutputBias = false
  public var hasDenseBias = false
  /// How many keys a query sees, and in which layers.
  public var window = 0
  public var windowed: Set<Int> = []
  /// Where queries, keys and values are cut off.
  public var clip: Double?
  /// Where the parts of gpt-oss's gated unit are cut off.
  public var limit = 7.0
  /// The function inside a dense layer that has no gate.
  public var activation = Activation.geluByTanh
  /// The weight of the balance loss of all layers together; 0 for none.
  public var balance = 0.0
  /// The weight of a balance loss of each layer's own; 0 for none. No config.json has it.
  public var layerBalance = 0.0
  /// Rates of dropout: of attention's weights, of what branches give, of what the first layer gets.
  public var attentionDropout = 0.0
  public var branchDropout = 0.0
  public var inputDropout = 0.0
  /// The deviation of new weights.
  public var deviation = 0.02

  public enum Activation: String, CaseIterable, Sendable {
    case geluByTanh = "gelu_new"
    case gelu, relu, silu
  }

  public init(_ architecture: Architecture) { self.architecture = architecture }

  /// Positions that a model of moec's gets unless told otherwise: memory grows with them.
  public var usualContext: Int { min(longest, 1024) }

  var queryWidth: Int { heads * headWidth }
  var keyWidth: Int { keyHeads * headWidth }
}
