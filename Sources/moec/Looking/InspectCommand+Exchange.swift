import Planning
import Words

/// What ranks exchange in an update, and what memory each takes.
struct ExchangeReport {
  private let plan: Plan
  private let exchanges: Exchanges

  /// - Parameter batches: of all ranks, which share them.
  init(_ plan: Plan, ranks: Int, batches: Int) {
    self.plan = plan
    exchanges = Exchanges(plan, ranks: ranks, batches: batches / ranks)
  }

  var text: String {
    let (ranks, batches) = (exchanges.ranks, exchanges.batches)
    let head =
      "\(plan.graph.name): \(ranks.of("rank")), \(batches == 1 ? "1 batch" : "\(batches.grouped) batches") of an update each\n"
    if ranks == 1 { return head + "nothing is exchanged\n" + memory }
    let rows = exchanges.steps.enumerated().map { index, step in
      [
        "\(index + 1)", step.kind.rawValue, step.name, Self.bytes(step.sent),
        Self.bytes(step.received),
      ]
    }
    let table = [["", "exchange", "of", "sent", "received"]] + rows + [total]
    return head + "bytes of the rank that has most, in the order of an update\n\n"
      + Columns.text(table) { (1...2).contains($0) } + "\n\n" + memory
  }

  private var total: [String] {
    func sum(_ part: KeyPath<Exchanges.Step, [Int]>) -> [Int] {
      exchanges.steps.map { $0[keyPath: part] }.reduce(Array(repeating: 0, count: exchanges.ranks))
      {
        zip($0, $1).map(+)
      }
    }
    return ["", "", "in all", Self.bytes(sum(\.sent)), Self.bytes(sum(\.received))]
  }

  private static func bytes(_ words: [Int]) -> String { (4 * (words.max() ?? 0)).grouped }

  /// Moments are those that a rank owns; pages of the others are never touched.
  private var memory: String {
    let memory = plan.memory
    let whole = plan.regions.bytes(of: .firstMoments) + plan.regions.bytes(of: .secondMoments)
    let owned = exchanges.ranks == 1 ? whole : 8 * (exchanges.owned.max() ?? 0)
    let behind = exchanges.bytes(behind: plan)
    let rows = [
      ["parameters", memory.parameters], ["gradients", memory.gradients], ["moments", owned],
      ["other of the optimizer", memory.optimizer - whole], ["saved", memory.saved],
      ["scratch", memory.scratch], ["sums and exchanges", behind],
    ].map { row in row.map { ($0 as? Int)?.grouped ?? "\($0)" } }
    let all = memory.total - whole + owned + behind
    return "bytes of a rank, at most\n\n" + Columns.text(rows + [["in all", all.grouped]]) + "\n"
  }
}
