import GraphIR

/// What the ranks of a model exchange in an update, in order: decided by the model, the ranks and the batches alone. It
/// is what the library's `ranks.c`, `ranks_step.c` and `expert_ranks.c` do.
public struct Exchanges: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    case allToAll = "all-to-all"
    case allGather = "all-gather"
  }

  /// When an exchange is started.
  public enum Moment: Hashable, Sendable {
    /// In the forward or the backward pass of a use of a layer, and waited for there.
    case pass(Phase, use: Int)

    /// Between the two.
    case agreement

    /// As soon as backward has the gradients of a use, and waited for two ranges later, or at once.
    case gradients(use: Int, isWaitedFor: Bool)

    /// When backward has ended: what all must know before the step.
    case sums

    /// The new values of a range, after its step.
    case values
  }

  /// Ranks that have something for each other.
  public enum Circle: Hashable, Sendable {
    case all

    /// So many neighbours, which share out experts.
    case neighbours(Int)

    /// Every so manyth rank: those that have the same experts.
    case apart(Int)
  }

  /// One exchange, and the words of 4 bytes that each rank sends to others and receives from them.
  public struct Step: Hashable, Sendable {
    public var kind: Kind

    /// `gradients of block.3`.
    public var name: String

    /// Whose numbers they are, `block.3` or a layer's name; nil where they are all layers'.
    public var layer: String?

    /// The exchange's number among those that may be under way at once.
    public var ticket: Int
    public var sent: [Int]
    public var received: [Int]
    public var moment = Moment.sums
    public var circle = Circle.all

    /// Whether these are the most that there can be: of rows there are as many as tokens choose a rank's experts.
    public var isBound = false
  }

  public let ranks: Int

  /// Of a rank, for an update.
  public let batches: Int

  /// Of an update, from its last batch on: before it, each batch has `batch`.
  public private(set) var steps: [Step] = []

  /// Of every batch: rows to the ranks of their experts, and back. Nothing where each rank has all experts.
  public private(set) var batch: [Step] = []

  /// Numbers of all ranges that each rank owns.
  public private(set) var owned: [Int]

  /// Sums that each rank is left with, when it has added up what it can of its own batches.
  private let sums: [Int]

  /// Numbers are dealt out, and their squares added up, by so many.
  static let block = 1024

  /// Exchanges that may be under way at once, and those of gradients that are.
  static let (tickets, underWay) = (4, 2)

  /// - Parameter batches: of a rank, for an update.
  public init(_ plan: Plan, ranks: Int, batches: Int) {
    (self.ranks, self.batches) = (ranks, batches)
    owned = Array(repeating: 0, count: ranks)
    sums = (0..<ranks).map { Self.sums(first: $0 * batches, count: batches) }
    if ranks == 1 { return }
    for range in plan.ranges {
      for (rank, share) in shares(range).enumerated() { owned[rank] += share }
    }
    let table = ExchangeTable(plan)
    var turn = 0
    batch = table.batch.flatMap { made(of: $0, plan, &turn) }
    steps = table.rows.flatMap { made(of: $0, plan, &turn) }
  }

  /// The sums over parts of all batches that batches first ..< first + count give, added up in pairs.
  static func sums(first: Int, count: Int) -> Int {
    var spans: [(first: Int, count: Int)] = []
    for batch in first..<first + count {
      var sum = (first: batch, count: 1)
      while let last = spans.last, last.count == sum.count, last.first % (2 * sum.count) == 0 {
        sum = (last.first, 2 * sum.count)
        spans.removeLast()
      }
      spans.append(sum)
    }
    return spans.count
  }

  /// The steps that a row of the table is; values take tickets in turn.
  private func made(of row: ExchangeTable.Row, _ plan: Plan, _ turn: inout Int) -> [Step] {
    switch row.size {
    case .words(let sent, let received, let isBound):
      return [step(row, equal(sent), equal(received), isBound: isBound)]
    case .each(let words): return [gathering(row, equal(words))]
    case .eachOfSums(let words): return [gathering(row, equal(words * (sums.max() ?? 1)))]
    case .eachBlock(let words):
      return [gathering(row, (0..<ranks).map { words * blocks(of: plan.ranges, $0) })]
    case .range(let range):
      if ranks == range.sharers && range.sharers > 1 { return [] }
      if row.moment != .values { return gradients(row, range) }
      turn += 1
      return [values(row, range, ticket: (turn - 1) % Self.tickets)]
    }
  }

  private func step(
    _ row: ExchangeTable.Row, _ sent: [Int], _ received: [Int], ticket: Int = 0,
    isBound: Bool = false
  ) -> Step {
    Step(
      kind: row.kind, name: row.name, layer: row.layer, ticket: row.ticket ?? ticket, sent: sent,
      received: received, moment: row.moment, circle: row.circle, isBound: isBound)
  }

  /// What every rank has so many words of, to all others.
  private func gathering(_ row: ExchangeTable.Row, _ words: [Int], ticket: Int = 0) -> Step {
    let all = words.reduce(0, +)
    return step(row, words.map { $0 * (ranks - 1) }, words.map { all - $0 }, ticket: ticket)
  }

  /// The blocks of a range that a rank owns.
  private func blocks(_ range: Plan.Range, _ rank: Int) -> Range<Int> {
    let (blocks, group) = (range.blocks / range.sharers, ranks / range.sharers)
    let (first, number) = (rank % range.sharers * blocks, rank / range.sharers)
    return first + number * blocks / group..<first + (number + 1) * blocks / group
  }

  /// What each rank owns of a range.
  private func shares(_ range: Plan.Range) -> [Int] {
    (0..<ranks).map { rank in
      let blocks = blocks(range, rank)
      return range.place(ofBlock: blocks.upperBound) - range.place(ofBlock: blocks.lowerBound)
    }
  }

  /// Each rank's sums go to the owners; its last one travels with the last of all. Of experts that ranks share out, each
  /// rank has a sum for every rank of its group, for the ranks that have the same experts.
  private func gradients(_ row: ExchangeTable.Row, _ range: Plan.Range) -> [Step] {
    let (own, pieces) = (range.count / range.sharers, range.sharers > 1 ? range.sharers : most)
    let (shares, others) = (shares(range), ranks / range.sharers - 1)
    return (0..<pieces).map { piece in
      let has = sums.map { range.sharers > 1 || piece == pieces - 1 || piece < $0 - 1 }
      let count = range.sharers > 1 ? others + 1 : has.count { $0 }
      var step = step(
        row, (0..<ranks).map { has[$0] ? own - shares[$0] : 0 },
        (0..<ranks).map { (count - (has[$0] ? 1 : 0)) * shares[$0] })
      step.moment = .gradients(use: range.use, isWaitedFor: piece < pieces - 1)
      return step
    }
  }

  /// Sums that a rank is left with at most.
  private var most: Int { sums.max() ?? 0 }

  private func values(_ row: ExchangeTable.Row, _ range: Plan.Range, ticket: Int) -> Step {
    let shares = shares(range)
    if range.sharers == 1 { return gathering(row, shares, ticket: ticket) }
    let (own, others) = (range.count / range.sharers, ranks / range.sharers - 1)
    return step(row, shares.map { others * $0 }, shares.map { own - $0 }, ticket: ticket)
  }

  private func equal(_ words: Int) -> [Int] { Array(repeating: words, count: ranks) }

  private func blocks(of ranges: [Plan.Range], _ rank: Int) -> Int {
    ranges.reduce(0) { $0 + blocks($1, rank).count }
  }
}

extension Exchanges {
  /// Bytes of the moments that a rank owns, at most.
  public var bytesOfMoments: Int { 2 * Element.f32.bytes * (owned.max() ?? 0) }

  /// Bytes that a rank takes behind its arena: sums that wait for their partners, and what comes in.
  ///
  /// Two ranges may be under way, each with all sums of all ranks for what a rank owns.
  public func bytes(behind plan: Plan) -> Int {
    let sum = plan.regions.bytes(of: .gradients) + plan.regions.bytes(of: .nextStates)
    let waiting = (0..<ranks).map { Self.waiting(first: $0 * batches, count: batches) }.max() ?? 0
    let blocks = plan.ranges.map(\.blocks).max() ?? 0
    let share = (blocks + ranks - 1) / ranks * Self.block
    let slot = max(share * ranks * (sums.max() ?? 1), plan.largestRange)
    return waiting * sum + (ranks > 1 ? 2 * slot * Element.f32.bytes : 0)
  }

  /// Sums that wait at most while batches first ..< first + count are computed.
  static func waiting(first: Int, count: Int) -> Int {
    (0..<count).map { sums(first: first, count: $0) }.max() ?? 0
  }
}
