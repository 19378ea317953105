/// The state of training: pieces as tokens, and how often each pair comes.
struct MergeLearner {
  private(set) var contents: [[UInt8]]
  private(set) var merges: [BytePairModel.Merge] = []
  private var ids: [[UInt8]: Int32] = [:]

  /// The pieces' tokens, one piece after the other; a merge moves a piece's tokens together.
  private var tokens: [Int32] = []
  private var pieces: [(start: Int, count: Int, times: Int)] = []

  /// A place in `pairCounts` for each pair.
  private var pairs = PairTable(minimumCapacity: 1 << 12)
  private var pairCounts: [Int] = []
  private var queue = Heap<Candidate>()

  /// Pairs that some merge made, and in which pieces; emptied into the queue after it.
  private var fresh: [(pair: UInt64, pieces: [Int32])] = []
  /// The place in `fresh` of each pair, -1 for none, by the place in `pairCounts`.
  private var freshPlaces: [Int32] = []

  /// A pair that may be merged next: its count when it was noted, and where it comes.
  struct Candidate: Comparable {
    var count: Int
    var pair: UInt64
    var pieces: [Int32]

    /// Whether it goes before another: more often, then lower numbers.
    static func < (one: Candidate, other: Candidate) -> Bool {
      one.count == other.count ? one.pair < other.pair : one.count > other.count
    }
  }

  init(contents: [[UInt8]], pieces counted: PieceCounts) {
    self.contents = contents
    for (id, content) in contents.enumerated() { ids[content] = Int32(id) }
    let bytes = ByteCharacters.characters.map { ids[Array(String($0).utf8)] ?? 0 }
    // In a fixed order, so that a run is like the other.
    for (piece, times) in counted.counts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      pieces.append((tokens.count, piece.count, times))
      tokens += piece.map { bytes[Int($0)] }
    }
    countPairs()
  }

  private mutating func countPairs() {
    for index in pieces.indices {
      let (start, count, times) = pieces[index]
      for place in start..<max(start, start + count - 1) {
        change(tokens[place], tokens[place + 1], by: times, in: index)
      }
    }
    enqueueFresh()
  }

  /// Merges until there are so many tokens or nothing is left.
  mutating func learn(upTo vocabulary: Int, minimumCount: Int) {
    while contents.count < vocabulary, var best = queue.pop() {
      let count = pairs[best.pair].map { pairCounts[Int($0)] } ?? 0
      if best.count != count {
        // Merges since then took some away.
        best.count = count
        queue.push(best)
        continue
      }
      if best.count < 1 || best.count < minimumCount { break }
      merge(best)
    }
  }

  private mutating func merge(_ candidate: Candidate) {
    let (first, second) = PairTable.pair(candidate.pair)
    let content = contents[Int(first)] + contents[Int(second)]
    let result = ids[content] ?? Int32(contents.count)
    if ids[content] == nil {
      ids[content] = result
      contents.append(content)
    }
    let merge = BytePairModel.Merge(first: first, second: second, result: result)
    merges.append(merge)
    for piece in candidate.pieces { apply(merge, to: Int(piece)) }
    enqueueFresh()
  }

  /// Merges from left to right in one piece, and counts what changes at each place.
  private mutating func apply(_ merge: BytePairModel.Merge, to index: Int) {
    let (start, count, times) = pieces[index]
    var written = start
    var read = start
    let end = start + count
    while read < end {
      guard read + 1 < end, tokens[read] == merge.first, tokens[read + 1] == merge.second else {
        tokens[written] = tokens[read]
        written += 1
        read += 1
        continue
      }
      if written > start {
        let before = tokens[written - 1]
        change(before, merge.first, by: -times, in: index)
        change(before, merge.result, by: times, in: index)
      }
      read += 2
      if read < end {
        change(merge.second, tokens[read], by: -times, in: index)
        change(merge.result, tokens[read], by: times, in: index)
      }
      tokens[written] = merge.result
      written += 1
    }
    pieces[index].count = written - start
  }

  private mutating func change(_ first: Int32, _ second: Int32, by times: Int, in piece: Int) {
    let pair = PairTable.key(first, second)
    var place = pairs[pair]
    if place == nil {
      place = Int32(pairCounts.count)
      pairs.set(pair, Int32(pairCounts.count))
      pairCounts.append(0)
      freshPlaces.append(-1)
    }
    guard let place else { return }
    pairCounts[Int(place)] += times
    if times > 0 { note(pair, at: Int(place), in: Int32(piece)) }
  }

  private mutating func note(_ pair: UInt64, at place: Int, in piece: Int32) {
    if freshPlaces[place] < 0 {
      freshPlaces[place] = Int32(fresh.count)
      fresh.append((pair, []))
    }
    let index = Int(freshPlaces[place])
    // Pieces come one after the other, so the same one can only be the last.
    if fresh[index].pieces.last != piece { fresh[index].pieces.append(piece) }
  }

  private mutating func enqueueFresh() {
    for (pair, pieces) in fresh {
      guard let place = pairs[pair] else { continue }
      freshPlaces[Int(place)] = -1
      let count = pairCounts[Int(place)]
      if count > 0 { queue.push(Candidate(count: count, pair: pair, pieces: pieces)) }
    }
    fresh.removeAll(keepingCapacity: true)
  }
}
