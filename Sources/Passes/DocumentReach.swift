import GraphIR

/// What a value of a model depends on, where several documents stand in a row.
enum DocumentReach: Hashable {
  /// The same for every text: parameters, and what is made of them.
  case constant

  /// At each position of its own document alone, by positions in it; rows of experts and their tables too.
  case own

  /// The same, turned by the position in the row: products of two such depend on the difference of both alone.
  case turned

  /// Of each two positions: of one document, by positions in it; of others, anything that is not hidden.
  case pairs(Hidden?)

  /// Of sums over tokens, of which the node of that number made the first.
  case summed(Int)

  /// Keys that a query does not see have one number everywhere. Axes are numbered as the tensor has them.
  struct Hidden: Hashable {
    var fill: CausalMask.Fill
    var queries: Int
    var keys: Int
  }
}

/// One node, and what its operands are.
struct DocumentSite {
  let node: Node
  let types: [TensorType]
  let reaches: [DocumentReach]
  let context: Axis
  let batch: Axis

  /// Whether the op is told where documents begin.
  var isMasked: Bool {
    switch node.op {
    case .attention: types[0].has(context)
    case .causalMask: reaches[0] != .constant && isOfPairs(types[0])
    case _: false
    }
  }

  /// What all results are, of the node of that number.
  func reach(at index: Int) throws(Diagnostic) -> DocumentReach {
    if case .input = node.op { return .own }
    if reaches.allSatisfy({ $0 == .constant }) { return .constant }
    for case .summed(let first) in reaches { return .summed(first) }
    switch node.op {
    case .crossEntropy:
      try demandOwn()
      return .summed(index)
    case .counted: return .own
    case .sum(let op): return try sum(op, at: index)
    case .attention: return try attention()
    case .causalMask(let op): return try causalMask(op)
    case .softmax: return try softmax()
    case .matmul(let op): return try matmul(op)
    case .transpose: return transposed()
    case .rotary: return try rotary()
    case .pointwise(let op): return try pointwise(op)
    case .numbers(let op):
      return types[0].has(context) && op.width?.isMade(of: context) == true ? .pairs(nil) : .own
    case _: return try apart()
    }
  }

  /// Whether results have the positions that they must have.
  func check(_ type: TensorType, _ reach: DocumentReach) throws(Diagnostic) {
    // How pairs of a token and an expert are sorted has all tokens in one axis.
    if case .route = node.op { return }
    let axes = type.tokenAxes.filter { $0.isMade(of: context) }
    let most: Int
    switch reach {
    case .constant, .summed: return
    case .own, .turned: most = 1
    case .pairs: most = 2
    }
    try demand(axes.count <= most && axes.allSatisfy { $0 == context }, PositionRule.joins)
  }

  func demand(
    _ condition: Bool, _ reason: String, hint: String? = nil
  ) throws(Diagnostic) {
    if condition { return }
    throw hint.map { node.refusal(reason, hint: $0) } ?? node.refusal(reason)
  }
}

// Ops that know nothing of positions, and those that go by them.
extension DocumentSite {
  /// What most ops do: each position by itself, where no axis that they join is of positions.
  private func apart() throws(Diagnostic) -> DocumentReach {
    let isTurned = try demandTurnsKept()
    try demandNoPositionsOfConstants()
    switch node.op.forward?.positions(types) ?? .joined(PositionRule.joins) {
    case .apart, .causal: break
    case .apartUnless(let axes, let reason):
      let joined = isEmbedding ? Array(types[1].axes.suffix(1)) : axes
      try demand(!joined.contains { $0.isMade(of: context) }, reason)
    case .apartAt(let axis):
      try demand(position(of: types[0]) ?? axis == axis, PositionRule.joins)
    case .joined(let reason):
      // A capacity is of a batch or a row, whatever documents are in it.
      guard case .route = node.op else { throw node.refusal(reason) }
    }
    return isTurned ? .turned : .own
  }

  private var isEmbedding: Bool { if case .embedding = node.op { true } else { false } }

  /// Whether operands are turned, by an op that leaves each head's numbers together.
  private func demandTurnsKept() throws(Diagnostic) -> Bool {
    for case .pairs in reaches {
      throw node.refusal("joins positions, of documents that are not kept apart")
    }
    if !reaches.contains(.turned) { return false }
    switch node.op {
    case .splitHeads, .mergeHeads, .concatenate, .pad: return true
    case _: throw turnedRefusal
    }
  }

  private var turnedRefusal: Diagnostic {
    node.refusal(
      "reads what is turned by the position in the row, which documents share",
      hint:
        "turn queries and keys, both and as the last step before their product: it depends on the difference of "
        + "their positions alone")
  }

  /// Of a table, rows are read by number; no other op may read what a parameter has for each position.
  private func demandNoPositionsOfConstants() throws(Diagnostic) {
    for (place, type) in types.enumerated()
    where reaches[place] == .constant && type.has(context) && !(isEmbedding && place == 1) {
      throw node.refusal(
        "reads a parameter with an axis of positions in the row, which documents share",
        hint:
          "read a table by text.positions, which count from a document's beginning; a width has an axis of its own"
      )
    }
  }

  /// Operands of each position's own document, not turned.
  private func demandOwn() throws(Diagnostic) {
    if reaches.contains(.turned) { throw turnedRefusal }
    for case .pairs in reaches { throw node.refusal(PositionRule.joins) }
  }

  private func rotary() throws(Diagnostic) -> DocumentReach {
    try demandOwn()
    try demand(position(of: types[0]) == 1, PositionRule.joins)
    // By positions in the row: scores depend on differences alone, which are those in a document.
    return .turned
  }

  private func attention() throws(Diagnostic) -> DocumentReach {
    let operands = reaches.prefix(3)
    for case .pairs in reaches { throw node.refusal(PositionRule.joins) }
    try demand(
      types.prefix(3).allSatisfy { position(of: $0) == 1 && $0.axes[0] == batch },
      "joins positions that are not the second axis of sequences")
    if operands[2] == .turned || operands[0] != operands[1] { throw turnedRefusal }
    try demand(!types.dropFirst(3).contains { $0.has(context) }, PositionRule.joins)
    return .own
  }
}

// Squares of positions.
extension DocumentSite {
  /// The axis of positions, if there is one alone.
  private func position(of type: TensorType) -> Int? {
    let places = type.axes.indices.filter { type.axes[$0].isMade(of: context) }
    return places.count == 1 ? places[0] : nil
  }

  private func isOfPairs(_ type: TensorType) -> Bool {
    type.axes.count > 2 && type.axes.suffix(2).allSatisfy { $0 == context }
  }

  private func causalMask(_ op: CausalMask) throws(Diagnostic) -> DocumentReach {
    guard isOfPairs(types[0]) else { return try apartMatrix() }
    guard case .pairs(let earlier) = reaches[0], types[0].axes[0] == batch else {
      throw node.refusal("masks what are no scores of a batch's queries and keys")
    }
    let rank = types[0].axes.count
    let hidden = DocumentReach.Hidden(fill: op.fill, queries: rank - 2, keys: rank - 1)
    try demand(earlier == nil || earlier == hidden, "masks what is masked another way")
    return .pairs(hidden)
  }

  /// A mask over other axes than those of positions.
  private func apartMatrix() throws(Diagnostic) -> DocumentReach {
    try demandOwn()
    try demand(!types[0].axes.suffix(2).contains { $0.isMade(of: context) }, PositionRule.joins)
    return .own
  }

  private func softmax() throws(Diagnostic) -> DocumentReach {
    guard case .pairs(let hidden) = reaches[0] else { return try apart() }
    guard var hidden, hidden.fill == .minusInfinity, hidden.keys == types[0].axes.count - 1 else {
      throw node.refusal("joins positions that no mask hides")
    }
    hidden.fill = .zero
    return .pairs(hidden)
  }

  /// Axes change places, and what is known of them.
  private func transposed() -> DocumentReach {
    guard case .pairs(let hidden?) = reaches[0] else { return reaches[0] }
    let rank = types[0].axes.count
    func moved(_ axis: Int) -> Int { axis < rank - 2 ? axis : 2 * rank - 3 - axis }
    return .pairs(
      .init(fill: hidden.fill, queries: moved(hidden.queries), keys: moved(hidden.keys)))
  }

  private func matmul(_ op: Matmul) throws(Diagnostic) -> DocumentReach {
    try demandNoPositionsOfConstants()
    let ranks = types.map(\.axes.count)
    let inner = [ranks[0] - (op.transposeA ? 2 : 1), ranks[1] - (op.transposeB ? 1 : 2)]
    let outer = [2 * ranks[0] - 3 - inner[0], 2 * ranks[1] - 3 - inner[1]]
    let sums = (0..<2).filter { types[$0].axes[inner[$0]].isMade(of: context) }
    if sums.isEmpty {
      let rows = (0..<2).filter { types[$0].axes[outer[$0]].isMade(of: context) }
      for case .pairs in reaches { throw node.refusal(PositionRule.joins) }
      if rows.count == 2 {
        if reaches[0] != reaches[1] { throw turnedRefusal }
        return .pairs(nil)
      }
      try demandOwn()
      return .own
    }
    for (weights, values) in [(0, 1), (1, 0)] {
      guard case .pairs(let hidden?) = reaches[weights], reaches[values] == .own,
        hidden.fill == .zero, hidden.keys == inner[weights], hidden.queries == outer[weights]
      else { continue }
      return .own
    }
    throw node.refusal("sums over positions that no mask hides")
  }

  private func sum(_ op: Sum, at index: Int) throws(Diagnostic) -> DocumentReach {
    guard let kept = op.repetition(in: types[0]) else { throw node.refusal(PositionRule.joins) }
    if reaches[0] == .turned { throw turnedRefusal }
    let all = Array(types[0].axes.indices)
    let gone = Set(all.dropFirst(kept.before).dropLast(kept.after))
    func stays(_ axis: Int) -> Int { axis < kept.before ? axis : axis - gone.count }
    guard case .pairs(let hidden) = reaches[0] else {
      let isOverTokens = gone.contains { types[0].axes[$0] == batch } || !types[0].has(context)
      let isOverPositions = gone.contains { types[0].axes[$0].isMade(of: context) }
      return isOverTokens || isOverPositions ? .summed(index) : .own
    }
    let positions = gone.filter { types[0].axes[$0].isMade(of: context) }
    if positions.isEmpty {
      return .pairs(
        hidden.map { .init(fill: $0.fill, queries: stays($0.queries), keys: stays($0.keys)) })
    }
    guard let hidden, hidden.fill == .zero, positions.contains(hidden.keys) else {
      throw node.refusal("sums over positions that no mask hides")
    }
    return positions.count == 2 || gone.contains { types[0].axes[$0] == batch }
      ? .summed(index) : .own
  }
}
