import GraphIR

// What ranks exchange.
extension PlanParser {
  /// They follow from all that was read, and plans of older libraries lack them.
  mutating func exchanges(of plan: Plan) throws(Diagnostic) {
    try heading("exchanges of ranks, in order")
    for row in ExchangeTable(plan).lines { try heading(row) }
    if reader.nextLine() { throw reader.failure("there are more exchanges than the plan has") }
  }
}
