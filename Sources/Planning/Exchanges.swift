import GraphIR

/// What the ranks of a model exchange in an update, in order: decided by the model, the ranks and the batches alone. It
/// is what the library's `ranks.c` and `ranks_step.c` do.
public struct Exchanges: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    case allToAll = "all-to-all"
    case allGather = "all-gather"
  }

  /// One exchange, and the words of 4 bytes that each rank sends to others and receives from them.
  public struct Step: Hashable, Sendable {
    public var kind: Kind

    /// `gradients of block.3`.
    public var name: String
    public var sent: [Int]
    public var received: [Int]
  }

  public let ranks: Int

  /// Of a rank, for an update.
  public let batches: Int
  public private(set) var steps: [Step] = []

  /// Numbers of all ranges that each rank owns.
  public private(set) var owned: [Int]

  /// Sums that each rank is left with, when it has added up what it can of its own batches.
  private let sums: [Int]

  /// Numbers are dealt out, and their squares added up, by so many.
  static let block = 1024

  public init(_ plan: Plan, ranks: Int, batches: Int) {
    (self.ranks, self.batches) = (ranks, batches)
    owned = Array(repeating: 0, count: ranks)
    sums = (0..<ranks).map { Self.sums(first: $0 * batches, count: batches) }
    if ranks == 1 { return }
    for range in plan.ranges.reversed() { addGradients(of: range) }
    gather("squares of gradients", squares(plan))
    let steps = plan.parameters.reduce(0) { $0 + ($1.steps?.count ?? 0) }
    gather("experts and targets", equal(steps + plan.parameters.count + 2))
    let states = plan.regions.bytes(of: .nextStates) / Element.f32.bytes
    if states > 0 { gather("states", equal(states * (sums.max() ?? 1))) }
    for range in plan.ranges { gather("values of \(range.name)", shares(range)) }
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

  /// What each rank owns of a range.
  private func shares(_ range: Plan.Range) -> [Int] {
    let blocks = (range.count + Self.block - 1) / Self.block
    let starts = (0...ranks).map { min($0 * blocks / ranks * Self.block, range.count) }
    return zip(starts, starts.dropFirst()).map { $1 - $0 }
  }

  /// Each rank's sums go to the owners; its last one travels with the last of all.
  private mutating func addGradients(of range: Plan.Range) {
    let (shares, pieces) = (shares(range), sums.max() ?? 1)
    for rank in 0..<ranks { owned[rank] += shares[rank] }
    for piece in 0..<pieces {
      let has = sums.map { piece == pieces - 1 || piece < $0 - 1 }
      let count = has.count { $0 }
      steps.append(
        Step(
          kind: .allToAll, name: "gradients of \(range.name)",
          sent: (0..<ranks).map { has[$0] ? range.count - shares[$0] : 0 },
          received: (0..<ranks).map { (count - (has[$0] ? 1 : 0)) * shares[$0] }))
    }
  }

  private func equal(_ words: Int) -> [Int] { Array(repeating: words, count: ranks) }

  /// A double for each block.
  private func squares(_ plan: Plan) -> [Int] {
    plan.ranges.map { shares($0).map { 2 * (($0 + Self.block - 1) / Self.block) } }
      .reduce(equal(0)) { zip($0, $1).map(+) }
  }

  private mutating func gather(_ name: String, _ words: [Int]) {
    let all = words.reduce(0, +)
    steps.append(
      Step(
        kind: .allGather, name: name, sent: words.map { $0 * (ranks - 1) },
        received: words.map { all - $0 }))
  }
}

extension Exchanges {
  /// Bytes that a rank takes behind its arena: sums that wait for their partners, and what comes in.
  ///
  /// Two ranges may be under way, each with all sums of all ranks for what a rank owns.
  public func bytes(behind plan: Plan) -> Int {
    let sum = plan.regions.bytes(of: .gradients) + plan.regions.bytes(of: .nextStates)
    let waiting = (0..<ranks).map { Self.waiting(first: $0 * batches, count: batches) }.max() ?? 0
    let largest = plan.largestRange
    let blocks = (largest + Self.block - 1) / Self.block
    let share = (blocks + ranks - 1) / ranks * Self.block
    let slot = max(share * ranks * (sums.max() ?? 1), largest)
    return waiting * sum + (ranks > 1 ? 2 * slot * Element.f32.bytes : 0)
  }

  /// Sums that wait at most while batches first ..< first + count are computed.
  static func waiting(first: Int, count: Int) -> Int {
    (0..<count).map { sums(first: first, count: $0) }.max() ?? 0
  }
}
