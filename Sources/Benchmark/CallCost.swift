import GraphIR
import Lowering
import Planning

/// What one kernel call must do at least, at the full batch or for one sequence.
///
/// Floating-point operations are those of the graph's nodes that the call carries out, `Graph.costs`.
/// Bytes are those of every operand, once: read or written. Of an embedding's table, those of the rows
/// that are looked up.
public struct CallCost: Hashable, Sendable {
  /// Floating-point operations.
  public private(set) var flops = 0

  /// The part of `flops` that is products.
  var productFlops = 0

  /// Bytes of all operands, read or written.
  public private(set) var bytes = 0

  /// A call that is not made.
  static let none = CallCost()

  private init() {}

  /// A call of the plan with all sequences of the batch.
  public init(_ call: Call) {
    self.init(call, bytesOf: \.bytes)
  }

  private init(_ call: Call, bytesOf: (Operand) -> Int) {
    let results = call.results
    // A tensor that is several operands, as one of queries, keys and values is, is read once.
    bytes = Set(call.inputs).reduce(0) { $0 + bytesOf($1) }
    bytes += Set(results).reduce(0) { $0 + bytesOf($1) }
    (flops, productFlops) = (call.cost.flops, call.cost.productFlops)
    if case .embedding = call.op, let table = call[.table] {
      bytes -= bytesOf(table)
      bytes += results.reduce(0) { $0 + bytesOf($1) }
    }
  }

  /// The same call when the pass has one sequence: what depends on the batch is a part of it.
  static func ofOneSequence(_ call: Call, of graph: Graph) -> CallCost {
    let batch = max(graph.batch.size, 1)
    func isOfBatch(_ operand: Operand) -> Bool {
      operand.type.axes.flatMap(\.symbols).contains { $0.extent == .sequences }
    }
    var cost = CallCost(call) { operand in
      isOfBatch(operand) ? operand.bytes / batch : operand.bytes
    }
    if call.operands.contains(where: isOfBatch) {
      cost.flops /= batch
      cost.productFlops /= batch
    }
    return cost
  }

  /// The same call for one token after others: its rows, the weights of its experts, and of the keys
  /// and values half a context, as on average, or what a window leaves.
  static func ofOneToken(_ call: Call, of graph: Graph) -> CallCost {
    let (sequences, positions) = (max(graph.batch.size, 1), max(graph.context.size, 1))
    var isOfTokens = false
    func share(_ operand: Operand) -> (part: Int, whole: Int) {
      let extents = Set(operand.type.axes.flatMap(\.symbols).map(\.extent))
      let (hasPositions, hasSequences) = (
        extents.contains(.positions), extents.contains(.sequences)
      )
      isOfTokens = isOfTokens || hasPositions
      if hasPositions, case .attention(let op) = call.op, call.inputs.contains(operand) {
        guard op.window != nil else { return (1, 2 * sequences) }
        return (op.visibleKeys(positions), positions * positions * sequences)
      }
      if hasPositions || hasSequences {
        return (1, (hasPositions ? positions : 1) * (hasSequences ? sequences : 1))
      }
      guard operand.type.axes.count == 3, case .linear = call.op else { return (1, 1) }
      // Stacked by expert: as many as a token has rows.
      let rows = (call.results.first?.type.rows ?? 0) / (sequences * positions)
      return (min(rows, operand.type.axes[0].size), max(operand.type.axes[0].size, 1))
    }
    var cost = CallCost(call) { operand in
      let (part, whole) = share(operand)
      return operand.bytes * part / whole
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
  /// The products' floating-point operations of one sequence of full length of which only the last
  /// token's logits are wanted.
  static func productFlopsOfOneWindow(of graph: Graph) -> Int {
    let window = graph.cost(.forward).productFlops / max(graph.batch.size, 1)
    guard let logits = graph[.logits] else { return window }
    let head = graph.costs[logits.node].productFlops
    let length = graph.context.size
    return window - head / max(graph.batch.size, 1) / length * (length - 1)
  }
}
