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
    let rows = RowExchanges(plan, ranks: ranks)
    batch = rows.forward + rows.agreement + rows.backward.flatMap(\.self)
    steps = rows.forward + rows.agreement
    addBackward(plan, rows.backward)
    gather("squares of gradients", squares(plan), ticket: 0)
    let stepCounts = plan.parameters.reduce(0) { $0 + ($1.steps?.count ?? 0) }
    gather("experts and targets", equal(stepCounts + plan.parameters.count + 2), ticket: 1)
    let states = plan.regions.bytes(of: .nextStates) / Element.f32.bytes
    if states > 0 { gather("states", equal(states * (sums.max() ?? 1)), ticket: 2) }
    var turn = 0
    for range in plan.ranges { addValues(of: range, &turn) }
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

  /// The gradients of a use travel when backward has been through it, those of what lies last first.
  private mutating func addBackward(_ plan: Plan, _ rows: [[Step]]) {
    var ranges = plan.ranges[...]
    var turn = 0
    for (use, exchanged) in zip(plan.uses.indices.reversed(), rows) {
      steps += exchanged
      while let range = ranges.last, range.use >= use {
        addGradients(of: range, ticket: turn % Self.underWay)
        turn += 1
        ranges.removeLast()
      }
    }
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

  /// Each rank's sums go to the owners; its last one travels with the last of all.
  private mutating func addGradients(of range: Plan.Range, ticket: Int) {
    let (shares, pieces) = (shares(range), sums.max() ?? 1)
    for rank in 0..<ranks { owned[rank] += shares[rank] }
    if range.sharers > 1 { return addSlots(of: range, shares, ticket: ticket) }
    for piece in 0..<pieces {
      let has = sums.map { piece == pieces - 1 || piece < $0 - 1 }
      let count = has.count { $0 }
      steps.append(
        Step(
          kind: .allToAll, name: "gradients of \(range.name)", layer: range.layer, ticket: ticket,
          sent: (0..<ranks).map { has[$0] ? range.count - shares[$0] : 0 },
          received: (0..<ranks).map { (count - (has[$0] ? 1 : 0)) * shares[$0] },
          moment: .gradients(use: range.use, isWaitedFor: piece < pieces - 1)))
    }
  }

  /// Of experts that ranks share out, each rank has a sum for every rank of its group; they go to the ranks that have
  /// the same experts, if there are any.
  private mutating func addSlots(of range: Plan.Range, _ shares: [Int], ticket: Int) {
    let (own, others) = (range.count / range.sharers, ranks / range.sharers - 1)
    if others == 0 { return }
    for slot in 0..<range.sharers {
      steps.append(
        Step(
          kind: .allToAll, name: "gradients of \(range.name)", layer: range.layer, ticket: ticket,
          sent: shares.map { own - $0 },
          received: shares.map { others * $0 },
          moment: .gradients(use: range.use, isWaitedFor: slot < range.sharers - 1),
          circle: .apart(range.sharers)))
    }
  }

  private mutating func addValues(of range: Plan.Range, _ turn: inout Int) {
    let (shares, others) = (shares(range), ranks / range.sharers - 1)
    if others == 0 { return }
    let (name, ticket) = ("values of \(range.name)", turn % Self.tickets)
    turn += 1
    if range.sharers == 1 {
      gather(name, shares, ticket: ticket, of: range.layer)
      steps[steps.count - 1].moment = .values
      return
    }
    let own = range.count / range.sharers
    steps.append(
      Step(
        kind: .allToAll, name: name, layer: range.layer, ticket: ticket,
        sent: shares.map { others * $0 }, received: shares.map { own - $0 }, moment: .values,
        circle: .apart(range.sharers)))
  }

  private func equal(_ words: Int) -> [Int] { Array(repeating: words, count: ranks) }

  /// A double for each block.
  private func squares(_ plan: Plan) -> [Int] {
    plan.ranges.map { range in (0..<ranks).map { 2 * blocks(range, $0).count } }
      .reduce(equal(0)) { zip($0, $1).map(+) }
  }

  private mutating func gather(
    _ name: String, _ words: [Int], ticket: Int, of layer: String? = nil
  ) {
    steps.append(Step(gathering: name, words, ticket: ticket, of: layer))
  }
}

extension Exchanges.Step {
  /// What every rank has so many words of, to all others.
  init(gathering name: String, _ words: [Int], ticket: Int, of layer: String? = nil) {
    let all = words.reduce(0, +)
    self.init(
      kind: .allGather, name: name, layer: layer, ticket: ticket,
      sent: words.map { $0 * (words.count - 1) }, received: words.map { all - $0 })
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
