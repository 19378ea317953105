import GraphIR
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
    let bound = exchanges.batch.isEmpty ? "" : "; of rows, if all that can be are sent"
    var text = head
    if !exchanges.batch.isEmpty, batches > 1 {
      let count = batches == 2 ? "the first batch" : "the first \((batches - 1).grouped) batches"
      text += "bytes of the rank that has most, in each of \(count)\(bound)\n\n"
      text += Self.table(exchanges.batch, ranks) + "\n\nfrom the last batch on\n\n"
    } else {
      text += "bytes of the rank that has most, in the order of an update\(bound)\n\n"
    }
    return text + Self.table(exchanges.steps, ranks) + "\n\n" + memory
  }

  private static func table(_ steps: [Exchanges.Step], _ ranks: Int) -> String {
    let rows = steps.enumerated().map { index, step in
      ["\(index + 1)", step.kind.rawValue, step.name, bytes(step.sent), bytes(step.received)]
    }
    func sum(_ part: KeyPath<Exchanges.Step, [Int]>) -> [Int] {
      steps.map { $0[keyPath: part] }.reduce(Array(repeating: 0, count: ranks)) {
        zip($0, $1).map(+)
      }
    }
    let total = ["", "", "in all", bytes(sum(\.sent)), bytes(sum(\.received))]
    return Columns.text([["", "exchange", "of", "sent", "received"]] + rows + [total]) {
      (1...2).contains($0)
    }
  }

  private static func bytes(_ words: [Int]) -> String {
    (Element.f32.bytes * (words.max() ?? 0)).grouped
  }

  /// Values and moments are those that a rank keeps; pages of the others are never touched.
  private var memory: String {
    let memory = plan.memory
    let whole = plan.regions.bytes(of: .firstMoments) + plan.regions.bytes(of: .secondMoments)
    let owned = exchanges.ranks == 1 ? whole : exchanges.bytesOfMoments
    let behind = exchanges.bytes(behind: plan)
    let others = exchanges.ranks == 1 ? 0 : plan.bytesOfOthers
    let rows = [
      ["parameters", memory.parameters - others], ["gradients", memory.gradients],
      ["moments", owned],
      ["other of the optimizer", memory.optimizer - whole], ["saved", memory.saved],
      ["scratch", memory.scratch], ["sums and exchanges", behind],
    ].map { row in row.map { ($0 as? Int)?.grouped ?? "\($0)" } }
    let all = memory.total - others - whole + owned + behind
    return "bytes of a rank, at most\n\n" + Columns.text(rows + [["in all", all.grouped]]) + "\n"
  }
}
