import GraphIR
import Lowering

/// What ranks that share out experts exchange in a batch: counts and rows, forward and backward.
struct RowExchanges {
  private let plan: Plan
  private let ranks: Int

  /// - Parameter ranks: all of them, of which neighbours share out the experts.
  init(_ plan: Plan, ranks: Int) { (self.plan, self.ranks) = (plan, ranks) }

  /// In the order of the layers' uses.
  var forward: [Exchanges.Step] {
    plan.uses.indices.flatMap { steps(.forward, $0) }
  }

  /// Of each use, from the last to the first.
  var backward: [[Exchanges.Step]] {
    plan.uses.indices.reversed().map { steps(.backward, $0) }
  }

  /// Between the two: whether all losses are finite, and how many targets count.
  var agreement: [Exchanges.Step] {
    if !plan.sharesExperts { return [] }
    let words = Array(repeating: 2, count: ranks)
    var step = Exchanges.Step(gathering: "losses", words, ticket: Self.ticket)
    step.moment = .agreement
    return [step]
  }

  /// Behind those of gradients, which may be under way.
  private static let ticket = Exchanges.underWay

  private func steps(_ phase: Phase, _ index: Int) -> [Exchanges.Step] {
    let use = plan.uses[index]
    let layer = plan.layers[use.layer]
    return (phase == .forward ? layer.forward : layer.backward).compactMap { call in
      let name = [use.scope, call.scope].filter { !$0.isEmpty }.joined(separator: ".")
      var step: Exchanges.Step?
      if case .exchangeCounts(let op) = call.op { step = counts(op, call, name) }
      if case .exchangeRows(let op) = call.op { step = rows(op, call, name) }
      step?.layer = use.scope.isEmpty ? layer.name : use.scope
      step?.moment = .pass(phase, use: index)
      return step
    }
  }

  private func step(
    _ name: String, sent: Int, received: Int, among sharers: Int, isBound: Bool
  ) -> Exchanges.Step {
    Exchanges.Step(
      kind: .allToAll, name: name, ticket: Self.ticket, sent: Array(repeating: sent, count: ranks),
      received: Array(repeating: received, count: ranks), circle: .neighbours(sharers),
      isBound: isBound)
  }

  private func counts(_ op: ExchangeCounts, _ call: Call, _ name: String) -> Exchanges.Step? {
    guard let start = call[.start] else { return nil }
    let words = (op.ranks - 1) * ((start.type.count - 1) / op.ranks + ExchangeCounts.facts)
    return step(
      "counts of \(name)", sent: words, received: words, among: op.ranks, isBound: false)
  }

  private func rows(_ op: ExchangeRows, _ call: Call, _ name: String) -> Exchanges.Step? {
    guard let rows = call[.rows], let made = call.kernel.result(.output) else { return nil }
    // Of the room for what comes, a part is for a rank's own.
    let (own, come) = op.isBack ? (made.type, rows.type) : (rows.type, made.type)
    let others = come.count / op.ranks * (op.ranks - 1)
    return step(
      "rows \(op.isBack ? "from" : "to") the experts of \(name)",
      sent: op.isBack ? others : own.count, received: op.isBack ? own.count : others,
      among: op.ranks, isBound: true)
  }
}
