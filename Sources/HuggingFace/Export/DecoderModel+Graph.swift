import GraphIR

extension DecoderModel {
  /// The decoder that a graph would be if it were one of the architectures: `ModelText` of it has to make
  /// the same graph. Error: parameters that no architecture has.
  public init(graph: Graph) throws(FolderError) {
    do throws(GraphFacts.Missing) {
      let facts = GraphFacts(graph)
      self.init(try facts.architecture())
      depth = facts.depth
      longest = graph.context.size
      try readTables(facts)
      try readAttention(facts)
      try readLayers(facts)
      if let refusal { throw GraphFacts.Missing(reason: refusal) }
    } catch {
      throw .noArchitecture(model: graph.name, reason: error.reason)
    }
  }

  private mutating func readTables(_ facts: GraphFacts) throws(GraphFacts.Missing) {
    let table = try facts.shape("token.weight", axes: 2)
    (vocabulary, width) = (table[0], table[1])
    isTied = !facts.has("head.weight")
    epsilon = facts.epsilon ?? epsilon
    base = facts.rotary?.base ?? base
    if architecture == .gpt2 {
      branchDropout = facts.dropout(inLayers: true)
      inputDropout = facts.dropout(inLayers: false)
      activation = facts.activation
    }
  }

  private mutating func readAttention(_ facts: GraphFacts) throws(GraphFacts.Missing) {
    let attentions = facts.attentions
    guard let first = attentions.first, attentions.count == depth else {
      throw GraphFacts.Missing(
        reason: "its layers have no attention(q, k, v) each, without a matrix of scores")
    }
    let query = architecture == .gpt2 ? "query" : "q"
    let queries = try facts.shape("block.0.attention.\(query).weight", axes: 2)[0]
    (heads, keyHeads) = (first.heads.size, first.keyHeads.size)
    headWidth = queries / max(heads, 1)
    attentionDropout = first.rate
    hasQueryBias = facts.has("block.0.attention.\(query).bias")
    hasOutputBias = facts.has("block.0.attention.\(architecture == .gpt2 ? "proj" : "o").bias")
    scaling = facts.rotary.flatMap { Scaling($0, depth: headWidth, context: longest) }
    windowed = Set(attentions.indices.filter { attentions[$0].window != nil })
    window = windowed.min().flatMap { attentions[$0].window } ?? 0
    if architecture == .olmoe { clip = facts.limit }
  }

  private mutating func readLayers(_ facts: GraphFacts) throws(GraphFacts.Missing) {
    sparse = Set((0..<depth).filter { facts.has("block.\($0).mixture.router.weight") })
    if let layer = (0..<depth).first(where: { !sparse.contains($0) }) {
      hidden = try facts.shape("block.\(layer).mlp.up.weight", axes: 2)[0]
      hasDenseBias = facts.has("block.\(layer).mlp.up.bias")
    }
    guard let layer = sparse.min() else { return }
    let room = "block.\(layer).mixture."
    let up = try facts.shape(room + "up.weight", axes: 3)
    (experts, expertWidth) = (up[0], up[1])
    chosen = facts.chosen ?? 0
    isNormalized = facts.choosesLogits
    if architecture == .qwen2MoE {
      sharedWidth = try facts.shape(room + "shared.up.weight", axes: 2)[0]
    }
    if architecture == .gptOSS { limit = facts.limit ?? limit }
    if isNormalized == false, architecture == .mixtral {
      throw GraphFacts.Missing(
        reason: "its experts' weights do not sum to 1, and its queries have no norm")
    }
    balance = facts.graph.terms.first { $0.name == "balance" }?.weight ?? 0
  }
}
