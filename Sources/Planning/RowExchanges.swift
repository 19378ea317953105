import GraphIR
import Lowering

/// What ranks that share out experts exchange in a batch: counts and rows, forward and backward.
struct RowExchanges {
  private let plan: Plan

  init(_ plan: Plan) { self.plan = plan }

  /// In the order of the layers' uses.
  var forward: [ExchangeTable.Row] { plan.uses.indices.flatMap { rows(.forward, $0) } }

  /// Of each use, from the last to the first.
  var backward: [[ExchangeTable.Row]] { plan.uses.indices.reversed().map { rows(.backward, $0) } }

  /// Between the two: whether all losses are finite, and how many targets count.
  var agreement: [ExchangeTable.Row] {
    if !plan.sharesExperts { return [] }
    return [
      ExchangeTable.Row(
        kind: .allGather, name: "losses", ticket: Self.ticket, moment: .agreement, size: .each(2))
    ]
  }

  /// Behind those of gradients, which may be under way.
  private static let ticket = Exchanges.underWay

  private func rows(_ phase: Phase, _ index: Int) -> [ExchangeTable.Row] {
    let use = plan.uses[index]
    let layer = plan.layers[use.layer]
    return layer.calls(phase).compactMap { call in
      let name = [use.scope, call.scope].filter { !$0.isEmpty }.joined(separator: ".")
      var row: ExchangeTable.Row?
      if case .exchangeCounts(let op) = call.op { row = counts(op, call, name) }
      if case .exchangeRows(let op) = call.op { row = rows(op, call, name) }
      row?.layer = use.scope.isEmpty ? layer.name : use.scope
      row?.moment = .pass(phase, use: index)
      return row
    }
  }

  private func row(
    _ name: String, among sharers: Int, _ size: ExchangeTable.Size
  ) -> ExchangeTable.Row {
    ExchangeTable.Row(
      kind: .allToAll, name: name, ticket: Self.ticket, moment: .agreement,
      circle: .neighbours(sharers), size: size)
  }

  private func counts(_ op: ExchangeCounts, _ call: Call, _ name: String) -> ExchangeTable.Row? {
    guard let start = call[.start] else { return nil }
    let words = (op.ranks - 1) * ((start.type.count - 1) / op.ranks + ExchangeCounts.facts)
    return row(
      "counts of \(name)", among: op.ranks, .words(sent: words, received: words, isBound: false))
  }

  private func rows(_ op: ExchangeRows, _ call: Call, _ name: String) -> ExchangeTable.Row? {
    guard let rows = call[.rows], let made = call.kernel.result(.output) else { return nil }
    // Of the room for what comes, a part is for a rank's own.
    let (own, come) = op.isBack ? (made.type, rows.type) : (rows.type, made.type)
    let others = come.count / op.ranks * (op.ranks - 1)
    return row(
      "rows \(op.isBack ? "from" : "to") the experts of \(name)", among: op.ranks,
      .words(
        sent: op.isBack ? others : own.count, received: op.isBack ? own.count : others,
        isBound: true))
  }
}
