import GraphIR

extension Plan {
  /// Learned parameters of a use that lie side by side: what several ranks exchange at once. What is stacked by expert is
  /// a range of its own.
  public struct Range: Hashable, Sendable {
    /// `block.3`, or the layer's name; of one that is stacked by expert the parameter's.
    public var name: String

    /// `block.3`, or the layer's name.
    public var layer: String

    /// The number of the layer's use.
    public var use: Int

    /// Numbers, with the padding between parameters and without that behind the last.
    public var count: Int

    /// The experts that it is of, or 1.
    public var stack: Int

    /// The ranks that share out these experts; 1: each rank has all.
    public var sharers: Int

    /// What it is dealt out by: numbers of one expert at most.
    public var blocks: Int { stack * blocksEach }

    private var each: Int { count / stack }
    private var blocksEach: Int { (each + Exchanges.block - 1) / Exchanges.block }

    /// How many numbers come before a block.
    func place(ofBlock block: Int) -> Int {
      if block == blocks { return count }
      return block / blocksEach * each + block % blocksEach * Exchanges.block
    }
  }

  /// All of them, in the order in which they lie.
  public var ranges: [Range] {
    let ranks = expertRanks
    return uses.indices.flatMap { index in
      let use = uses[index]
      let next = index + 1 < uses.count ? uses[index + 1].firstParameter : parameters.count
      let name = use.scope.isEmpty ? layers[use.layer].name : use.scope
      return Self.runs(parameters[use.firstParameter..<next]).map { run in
        let gradients = run.compactMap(\.gradient)
        let padded = gradients.reduce(0) { $0 + $1.bytes / $1.element.bytes }
        let last = gradients.last.map { ($0.bytes - $0.storedBytes) / $0.element.bytes } ?? 0
        let stack = run.first?.stepCount ?? 1
        return Range(
          name: stack > 1 ? run.first?.name ?? name : name, layer: name, use: index,
          count: padded - last, stack: stack, sharers: stack > 1 ? ranks : 1)
      }
    }
  }

  /// Those that learn, side by side.
  private static func runs(_ parameters: ArraySlice<PlannedParameter>) -> [[PlannedParameter]] {
    var runs: [[PlannedParameter]] = []
    var isOpen = false
    for parameter in parameters {
      let isAlone = parameter.stepCount > 1
      if parameter.gradient != nil {
        if isOpen, !isAlone {
          runs[runs.count - 1].append(parameter)
        } else {
          runs.append([parameter])
        }
      }
      isOpen = parameter.gradient != nil && !isAlone
    }
    return runs
  }

  /// Numbers of the largest, with all padding.
  public var largestRange: Int {
    let lanes = Regions.alignment / Element.f32.bytes
    // Experts that learn nothing are in no range, and read all the same, rank by rank.
    let shared = sharesExperts ? parameters.filter { $0.stepCount > 1 } : []
    let read = shared.map { $0.master.bytes / $0.master.element.bytes }
    return (ranges.map { roundUp($0.count, to: lanes) } + read).max() ?? 0
  }

  /// Whether rows travel to ranks that share out the experts.
  public var sharesExperts: Bool { expertExchange != nil }

  /// The ranks that share out the experts of every mixture; 1: each rank has all.
  public var expertRanks: Int { expertExchange?.ranks ?? 1 }

  /// Bytes of values that other ranks have: those of the experts that are not a rank's own.
  public var bytesOfOthers: Int {
    let ranks = expertRanks
    return parameters.reduce(0) { sum, parameter in
      parameter.stepCount == 1 ? sum : sum + parameter.master.bytes / ranks * (ranks - 1)
    }
  }

  /// The rows that can come to a rank in one exchange; 0 where none travel.
  public var mostRowsReceived: Int {
    graph.nodes.reduce(0) { most, node in
      guard case .exchangeRows(let op) = node.op, !op.isBack else { return most }
      return max(most, node.types[0].rows)
    }
  }

  /// Of distinct layers, which are few, and not of all nodes: it is asked for every parameter.
  private var expertExchange: ExchangeCounts? {
    for call in layers.lazy.flatMap(\.forward) {
      if case .exchangeCounts(let op) = call.op { return op }
    }
    return nil
  }
}
