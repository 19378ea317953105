/// The mixture that a dense decoder is to become.
public struct MixtureShape: Equatable, Sendable {
  /// How many experts a layer has, and how many of them see a token.
  public var experts: Int
  public var chosen: Int
  /// Every such layer has experts, beginning with the `every`-th.
  public var every = 1
  /// Into how many slices the MLP is cut: an expert has one of them.
  public var granularity = 1
  /// How many slices are an expert that sees all tokens.
  public var shared = 0
  /// The weight of each layer's balance loss; 0 for none.
  public var balance = 0.0

  public init(experts: Int, chosen: Int) {
    self.experts = experts
    self.chosen = chosen
  }

  /// Experts that are a copy of the MLP together, without what the shared one has.
  var together: Int { shared < granularity ? granularity - shared : granularity }
}

extension DecoderModel {
  /// The same decoder with experts in place of the MLPs of some layers; `path` is what errors name.
  ///
  /// It is of an architecture of transformers where one has such layers, else of the dense one, and cannot be
  /// exported. Errors: a model with experts, numbers that do not come out even, all at once.
  public func upcycled(_ shape: MixtureShape, path: String) throws(FolderError) -> DecoderModel {
    let problems = problems(of: shape)
    if !problems.isEmpty { throw .noSuchMixture(path: path, problems) }
    var model = self
    model.sparse = Set((0..<depth).filter { ($0 + 1) % shape.every == 0 })
    (model.experts, model.chosen) = (shape.experts, shape.chosen)
    model.expertWidth = hidden / shape.granularity
    model.sharedWidth = model.expertWidth * shape.shared
    model.isNormalized = true
    model.layerBalance = shape.balance
    model.architecture = model.mixtureArchitecture
    return model
  }

  private func problems(of shape: MixtureShape) -> [String] {
    if architecture.isMixture { return ["its layers have experts already"] }
    var problems: [String] = []
    if shape.every > depth {
      problems.append("it has \(depth) layers, so that every \(shape.every)th is none")
    }
    if hidden % shape.granularity != 0 {
      problems.append(
        "its MLP is \(hidden) wide, which cannot be cut into \(shape.granularity) slices")
    }
    if shape.shared > shape.granularity {
      problems.append("\(shape.shared) slices of \(shape.granularity) cannot be shared")
    }
    if shape.shared > 0, architecture == .gpt2 {
      problems.append("its MLP has no gate, and moec writes no expert of all tokens like it")
    }
    if shape.chosen > shape.experts {
      problems.append("\(shape.chosen) of \(shape.experts) experts cannot be chosen")
    }
    if !problems.isEmpty { return problems }
    let together = shape.together
    for (count, what) in [(shape.experts, "experts"), (shape.chosen, "chosen experts")]
    where count % together != 0 {
      problems.append(
        "\(together) experts are one copy of the MLP, and \(count) \(what) no whole number of copies"
      )
    }
    return problems
  }

  /// The architecture that has such layers; the dense one's name where none has.
  private var mixtureArchitecture: Architecture {
    switch architecture {
    case .llama where hasOutputBias || hasDenseBias: return .llama
    case .llama where sharedWidth > 0: return .qwen2MoE
    case .llama where sparse.count == depth && !hasQueryBias: return .mixtral
    case .qwen3 where sharedWidth == 0: return .qwen3MoE
    case .llama, .qwen3, .gpt2, .mixtral, .olmoe, .qwen2MoE, .qwen3MoE, .gptOSS:
      return architecture
    }
  }

  /// Why transformers has no such model, though its layers have the names that it should have; nil if it has.
  var refusal: String? {
    if !sparse.isEmpty, !architecture.isMixture {
      return "\(architecture.rawValue) has no experts"
    }
    if let dense = (0..<depth).first(where: { !sparse.contains($0) }) {
      switch architecture {
      case .mixtral, .olmoe, .gptOSS:
        return
          "its layer \(dense) has no experts, and all of \(architecture.rawValue)'s have; qwen2_moe, with an "
          + "expert of all tokens, and qwen3_moe, with norms of queries and keys, may have both"
      case .llama, .qwen3, .gpt2, .qwen2MoE, .qwen3MoE: break
      }
    }
    switch architecture {
    case .mixtral where hasQueryBias || hasOutputBias: return "mixtral's attention has no biases"
    case .qwen2MoE where hasOutputBias: return "what attention gives has no bias in qwen2_moe"
    case .qwen2MoE where hasDenseBias, .qwen3MoE where hasDenseBias:
      return "\(architecture.rawValue)'s MLPs have no biases"
    case .mixtral, .llama, .qwen3, .gpt2, .olmoe, .qwen2MoE, .qwen3MoE, .gptOSS: return nil
    }
  }
}
