import GraphIR

/// What a graph says of the decoder that it may be.
struct GraphFacts {
  struct Missing: Error {
    var reason: String
  }

  let graph: Graph
  /// Sizes of parameters by name.
  private let shapes: [String: [Int]]
  let depth: Int

  init(_ graph: Graph) {
    self.graph = graph
    var shapes: [String: [Int]] = [:]
    for (_, parameter) in graph.parameters { shapes[parameter.name] = parameter.axes.map(\.size) }
    self.shapes = shapes
    var depth = 0
    while shapes["block.\(depth).attention.norm.weight"] != nil { depth += 1 }
    self.depth = depth
  }

  func has(_ name: String) -> Bool { shapes[name] != nil }

  /// The sizes of a parameter with so many axes.
  func shape(_ name: String, axes: Int) throws(Missing) -> [Int] {
    guard let shape = shapes[name] else { throw Missing(reason: "it has no parameter \(name)") }
    guard shape.count == axes else {
      throw Missing(reason: "its parameter \(name) has \(shape.count) axes, not \(axes)")
    }
    return shape
  }

  /// The first layer with experts.
  var firstMixture: Int? { (0..<depth).first { has("block.\($0).mixture.router.weight") } }

  func architecture() throws(Missing) -> Architecture {
    guard depth > 0 else {
      throw Missing(reason: "it has no parameter block.0.attention.norm.weight")
    }
    if has("position.weight") { return .gpt2 }
    let attention = "block.0.attention."
    if has(attention + "sinks") { return .gptOSS }
    guard let first = firstMixture else {
      return has(attention + "q_norm.weight") ? .qwen3 : .llama
    }
    if has("block.\(first).mixture.share.weight") {
      if has(attention + "q_norm.weight") {
        throw Missing(
          reason:
            "its queries have norms, and no architecture with an expert of all tokens has those")
      }
      return .qwen2MoE
    }
    guard let norm = shapes[attention + "q_norm.weight"]?.first else { return .mixtral }
    let isWhole = norm == shapes[attention + "q.weight"]?.first
    return isWhole && firstAttention?.heads.size != 1 ? .olmoe : .qwen3MoE
  }

  // MARK: - Ops

  private func first<Found>(_ pick: (Op) -> Found?) -> Found? {
    for node in graph.nodes { if let found = pick(node.op) { return found } }
    return nil
  }

  var firstAttention: Attention? { attentions.first }

  /// Attention in order, one of each layer.
  var attentions: [Attention] {
    graph.nodes.compactMap { if case .attention(let op) = $0.op { op } else { nil } }
  }

  var rotary: Rotary? { first { if case .rotary(let op) = $0 { op } else { nil } } }

  /// The epsilon of the first norm.
  var epsilon: Double? {
    first {
      if case .rmsNorm(let op) = $0 { return op.epsilon }
      if case .layerNorm(let op) = $0 { return op.epsilon }
      return nil
    }
  }

  /// Whether the chosen experts' logits are what a softmax gets, not its results what is chosen from.
  var choosesLogits: Bool {
    for node in graph.nodes {
      guard case .top = node.op, let input = node.inputs.first else { continue }
      if case .softmax = graph.nodes[input.node].op { return false }
      return true
    }
    return true
  }

  /// How many experts see a token.
  var chosen: Int? {
    first { if case .route = $0 { true } else { nil } } == nil
      ? nil
      : graph.nodes.first { if case .top = $0.op { true } else { false } }?.types[0].axes.last?.size
  }

  /// The elementwise expressions of the first layer, or of what is outside of all.
  private func expressions(inLayers: Bool) -> [ScalarExpression] {
    graph.nodes.compactMap { node in
      guard case .pointwise(let op) = node.op, (node.layer != nil) == inLayers else { return nil }
      return op.expression
    }
  }

  /// The rate of the first dropout.
  func dropout(inLayers: Bool) -> Double {
    parts(inLayers: inLayers) { if case .keep(_, let rate) = $0 { rate } else { nil } }.first ?? 0
  }

  /// The first constant that something is cut off at, above.
  var limit: Double? {
    parts(inLayers: true) {
      if case .binary(.minimum, _, .constant(let limit)) = $0 { limit } else { nil }
    }.first
  }

  /// What is inside a dense layer of GPT-2's kind, by what tells it apart.
  var activation: DecoderModel.Activation {
    let functions = Set(
      parts(inLayers: true) { if case .unary(let function, _) = $0 { function } else { nil } })
    if functions.contains(.tanh) { return .geluByTanh }
    if functions.contains(.erf) { return .gelu }
    return functions.contains(.relu) ? .relu : .silu
  }

  private func parts<Found>(
    inLayers: Bool, _ pick: (ScalarExpression) -> Found?
  ) -> [Found] {
    var found: [Found] = []
    for expression in expressions(inLayers: inLayers) {
      expression.visit { if let part = pick($0) { found.append(part) } }
    }
    return found
  }
}
