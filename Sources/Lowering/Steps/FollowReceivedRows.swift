import GraphIR

extension Program {
  /// Gives each call that goes through received rows the tables that tell which came from which rank: kernels go through
  /// those of one rank after those of another, and draw the random numbers of the rank that they came from.
  ///
  /// Where experts are shared out among ranks, this belongs to what programs are, and cannot be left out.
  mutating func followReceivedRows() {
    // Of rows, and of where they start, what tells their origin.
    var tables: [Value: (received: Value, origin: Value)] = [:]
    for index in calls.indices {
      let kernel = calls[index].kernel
      if case .exchangeCounts = kernel.op {
        guard let received = kernel.result(.received), let origin = kernel.result(.origin) else {
          continue
        }
        tables[received] = (received, origin)
      } else if case .exchangeRows(let op) = kernel.op {
        if !op.isBack, let rows = kernel.result(.output), let received = kernel[.received] {
          tables[rows] = tables[received]
        }
      } else {
        guard let table = kernel.operands.lazy.compactMap({ tables[$0.content] }).first else {
          continue
        }
        if kernel[.start] == nil {
          calls[index].kernel.operands.append(.init(.start, table.received))
        }
        calls[index].kernel.operands.append(.init(.origin, table.origin))
        calls[index].updates = false
        for value in calls[index].results where type(of: value).experts != nil {
          tables[value] = table
        }
      }
    }
  }
}
