/// Joins the tokens of one piece, always the pair of lowest rank and the leftmost among equals.
struct PieceMerger {
  /// The tokens of the piece: what is put in and what comes out.
  var tokens: [Int32] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var ranks: [Int32] = []
  /// Of rank << 32 | place.
  private var heap = Heap<UInt64>()

  /// Up to here looking through all pairs for the lowest is quicker than a heap.
  private static let short = 40

  /// Merges `tokens` until no pair of neighbours has a rank.
  mutating func merge(_ model: borrowing BytePairModel) {
    if tokens.count < 2 || model.merges.isEmpty { return }
    if tokens.count <= Self.short { mergeShort(model) } else { mergeLong(model) }
  }

  private mutating func mergeShort(_ model: borrowing BytePairModel) {
    ranks.removeAll(keepingCapacity: true)
    for place in 1..<tokens.count {
      ranks.append(rank(tokens[place - 1], tokens[place], model))
    }
    while true {
      var best = Int32.max
      var place = -1
      for index in ranks.indices where ranks[index] < best {
        best = ranks[index]
        place = index
      }
      if place < 0 { return }
      tokens[place] = model.merges[Int(best)].result
      tokens.remove(at: place + 1)
      ranks.remove(at: place)
      if place > 0 { ranks[place - 1] = rank(tokens[place - 1], tokens[place], model) }
      if place < ranks.count { ranks[place] = rank(tokens[place], tokens[place + 1], model) }
    }
  }

  private func rank(
    _ first: Int32, _ second: Int32, _ model: borrowing BytePairModel
  ) -> Int32 {
    model.ranks[PairTable.key(first, second)] ?? .max
  }
}

// MARK: - Long pieces

extension PieceMerger {
  private mutating func mergeLong(_ model: borrowing BytePairModel) {
    let count = Int32(tokens.count)
    next = Array(1...count)
    previous = Array(-1..<count - 1)
    heap.removeAll()
    for place in 0..<count - 1 { push(place, model) }
    while let top = heap.pop() {
      let place = Int(top & 0xffff_ffff)
      let right = Int(next[place])
      // The pair may be gone: swallowed by a neighbour, or grown since this was noted.
      guard tokens[place] >= 0, right < tokens.count,
        rank(tokens[place], tokens[right], model) == Int32(top >> 32)
      else { continue }
      join(place, right, model.merges[Int(top >> 32)].result)
      if previous[place] >= 0 { push(previous[place], model) }
      push(Int32(place), model)
    }
    tokens.removeAll { $0 < 0 }
  }

  private mutating func join(_ place: Int, _ right: Int, _ result: Int32) {
    tokens[place] = result
    tokens[right] = -1
    next[place] = next[right]
    let after = Int(next[place])
    if after < tokens.count { previous[after] = Int32(place) }
  }

  /// Notes the pair that begins at `place`, if it has a rank.
  private mutating func push(_ place: Int32, _ model: borrowing BytePairModel) {
    let right = Int(next[Int(place)])
    guard right < tokens.count else { return }
    let rank = rank(tokens[Int(place)], tokens[right], model)
    guard rank != .max else { return }
    heap.push(UInt64(rank) << 32 | UInt64(place))
  }
}
