import GraphIR

/// Exchanges between ranks as they are where one rank is all there is: everything stays where it was.
extension Interpreter {
  /// `ExchangeCounts`: all rows come from this rank, from its first one on.
  func exchangeCounts(_ op: ExchangeCounts, _ site: Site) -> [TensorValue] {
    let facts = ExchangeCounts.facts
    return [
      site.inputs[0],
      TensorValue([op.ranks, facts], integers: [Int32](repeating: 0, count: op.ranks * facts)),
    ]
  }

  /// `ExchangeRows`: the same rows, and the rest of the room is 0.
  func exchangeRows(_ op: ExchangeRows, _ site: Site) -> TensorValue {
    let x = site.inputs[0]
    let count = op.isBack ? site.inputs[3].count : site.node.types[0].rows
    let rows = Array(x.floats.prefix(count * x.width))
    let rest = [Double](repeating: 0, count: count * x.width - rows.count)
    return TensorValue([count, x.width], rows + rest)
  }
}
