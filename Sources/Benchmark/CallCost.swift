import GraphIR
import Planning

/// What one kernel call must do at least, at the full batch or for one sequence.
///
/// - A product [M, K] x [K, N] is 2 M N K floating-point operations. Experts have as many rows
///   together as
///   there are pairs of token and chosen expert.
/// - Attention over T tokens is the causal half only: 2 products of 2 B C T (T + 1) / 2, and their
///   gradients twice that. What a kernel computes again is not counted.
/// - Other ops count the operations of their formulas.
/// - Bytes are those of every operand, once: read or written. Of an embedding's table, those of the
///   rows that are looked up.
public struct CallCost: Hashable {
  /// Floating-point operations.
  public private(set) var flops = 0

  /// The part of `flops` that is products.
  var productFlops = 0

  /// Bytes of all operands, read or written.
  public private(set) var bytes = 0

  /// A call of the plan with all sequences of the batch.
  public init(_ call: Call, of graph: Graph) {
    self.init(
      call, of: graph, bytesOf: { $0.layout.storedCount($0.type.count) * $0.type.element.bytes })
  }

  private init(_ call: Call, of graph: Graph, bytesOf: (Operand) -> Int) {
    let results = call.results.compactMap { $0 }
    // A tensor that is several operands, as one of queries, keys and values is, is read once.
    bytes = Set(call.inputs).reduce(0) { $0 + bytesOf($1) }
    bytes += Set(results).reduce(0) { $0 + bytesOf($1) }
    guard case .op(let op) = call.action else { return }
    let types = call.inputs.map(\.type)
    if case .embedding = op, let table = call.inputs.last {
      bytes -= bytesOf(table)
      bytes += results.reduce(0) { $0 + bytesOf($1) }
    }
    productFlops = Self.productFlops(op, types, results.map(\.type), of: graph)
    flops = productFlops
    if !op.isProduct { flops = op.operation.cost(types, results.map(\.type)).flops }
  }

  /// The same call when the pass has one sequence: what depends on the batch is a part of it.
  static func ofOneSequence(_ call: Call, of graph: Graph) -> CallCost {
    let batch = max(graph.batch.size, 1)
    func isOfBatch(_ operand: Operand) -> Bool {
      !Set(graph.batch.symbols).isDisjoint(with: operand.type.axes.flatMap(\.symbols))
    }
    var cost = CallCost(call, of: graph) { operand in
      let bytes = operand.layout.storedCount(operand.type.count) * operand.type.element.bytes
      return isOfBatch(operand) ? bytes / batch : bytes
    }
    if (call.inputs + call.results.compactMap { $0 }).contains(where: isOfBatch) {
      cost.flops /= batch
      cost.productFlops /= batch
    }
    return cost
  }

  /// The same call for one token after others: its rows, the weights of its experts, and of the keys
  /// and values half a context, as on average.
  static func ofOneToken(_ call: Call, of graph: Graph) -> CallCost {
    let (sequences, positions) = (max(graph.batch.size, 1), max(graph.context.size, 1))
    var isOfTokens = false
    func share(_ operand: Operand) -> (part: Int, whole: Int) {
      let symbols = Set(operand.type.axes.flatMap(\.symbols))
      let hasPositions = !symbols.isDisjoint(with: graph.context.symbols)
      let hasSequences = !symbols.isDisjoint(with: graph.batch.symbols)
      isOfTokens = isOfTokens || hasPositions
      if hasPositions, case .op(.attention) = call.action, call.inputs.contains(operand) {
        return (1, 2 * sequences)
      }
      if hasPositions || hasSequences {
        return (1, (hasPositions ? positions : 1) * (hasSequences ? sequences : 1))
      }
      guard operand.type.axes.count == 3, case .op(.linear) = call.action else { return (1, 1) }
      // Stacked by expert: as many as a token has rows.
      let rows = (call.results[0]?.type.rows ?? 0) / (sequences * positions)
      return (min(rows, operand.type.axes[0].size), max(operand.type.axes[0].size, 1))
    }
    var cost = CallCost(call, of: graph) { operand in
      let (part, whole) = share(operand)
      return operand.layout.storedCount(operand.type.count) * operand.type.element.bytes * part
        / whole
    }
    if isOfTokens {
      cost.flops /= sequences * positions
      cost.productFlops /= sequences * positions
    }
    return cost
  }

  /// The least time in seconds: arithmetic at the peak or operands at the bandwidth of where they
  /// fit.
  func leastSeconds(_ rates: MachineRates) -> Double {
    let bandwidth = bytes <= Self.cacheBytes ? rates.cache : rates.memory
    return max(Double(flops) / (rates.peak * 1e9), Double(bytes) / (bandwidth * 1e9))
  }

  /// Operands of calls up to this size are taken to be in cache still.
  static let cacheBytes = 16 << 20
}

extension CallCost {
  /// The floating-point operations of an op's products; 0 for an op that is none.
  static func productFlops(
    _ op: Op, _ inputs: [TensorType], _ results: [TensorType], of graph: Graph
  ) -> Int {
    switch op {
    case .linear, .linearInputGradient, .linearWeightGradient:
      return op.operation.cost(inputs, results).flops
    case .matmul:
      let whole = op.operation.cost(inputs, results).flops
      let length = graph.context.size
      return isCausal(inputs, results, of: graph) ? whole / length * (length + 1) / 2 : whole
    case .attention:
      // The first result is y, [B, T, C]; what is read may be wider.
      return 2 * (results.first?.count ?? 0) * (inputs[0].axes[1].size + 1)
    case .attentionGradient:
      // The first input is y's gradient, [B, T, C].
      return 4 * inputs[0].count * (inputs[0].axes[1].size + 1)
    case .input, .parameter, .pointwise, .sum, .embedding, .transpose, .layerNorm, .softmax,
      .splitHeads, .mergeHeads, .causalMask, .top, .route, .dispatch, .combine, .crossEntropy,
      .embeddingGradient, .layerNormGradient, .softmaxGradient, .topGradient, .dispatchGradient,
      .combineGradient, .crossEntropyGradient:
      return 0
    }
  }

  /// Whether one operand of a product of single steps of attention is the masked matrix [T, T].
  private static func isCausal(
    _ inputs: [TensorType], _ results: [TensorType], of graph: Graph
  ) -> Bool {
    guard graph.nodes.contains(where: { $0.op.kind == .causalMask }) else { return false }
    return (inputs + results).contains { $0.axes.suffix(2) == [graph.context, graph.context] }
  }

  /// The products' floating-point operations of all nodes of a phase, at the full batch.
  static func productFlops(of graph: Graph, _ phase: Phase) -> Int {
    graph.nodes.filter { $0.phase == phase }.reduce(0) { sum, node in
      sum + productFlops(node.op, node.inputs.map(graph.type(of:)), node.types, of: graph)
    }
  }

  /// The same of one sequence of full length of which only the last token's logits are wanted.
  static func productFlopsOfOneWindow(of graph: Graph) -> Int {
    let window = productFlops(of: graph, .forward) / max(graph.batch.size, 1)
    guard let logits = graph[.logits] else { return window }
    let node = graph.nodes[logits.node]
    let head = productFlops(node.op, node.inputs.map(graph.type(of:)), node.types, of: graph)
    let length = graph.context.size
    return window - head / max(graph.batch.size, 1) / length * (length - 1)
  }
}

extension Op {
  fileprivate var isProduct: Bool {
    switch kind {
    case .linear, .linearInputGradient, .linearWeightGradient, .matmul, .attention,
      .attentionGradient:
      true
    case .input, .parameter, .pointwise, .sum, .embedding, .transpose, .layerNorm, .softmax,
      .splitHeads, .mergeHeads, .causalMask, .top, .route, .dispatch, .combine, .crossEntropy,
      .embeddingGradient, .layerNormGradient, .softmaxGradient, .topGradient, .dispatchGradient,
      .combineGradient, .crossEntropyGradient:
      false
    }
  }
}
