import GraphIR

extension Program {
  /// Where only products read dispatched rows, `dispatch` moves nothing: the products read the tokens
  /// through `source`, and gather the rows while they pack them.
  mutating func gatherRows() {
    let facts = ProgramFacts(self)
    var unread: Set<Int> = []
    for (index, call) in calls.enumerated() {
      guard case .dispatch = call.op, let rows = call.kernel.result(.output),
        let tokens = call[.rows], let source = call[.source], facts.outputs[rows] == nil
      else { continue }
      let readers = facts.readers(of: rows)
      guard readers.allSatisfy({ readsAsRows(rows, calls[$0]) }) else { continue }
      for reader in readers {
        calls[reader].kernel.replace(.rows, by: tokens)
        calls[reader].kernel.operands.append(.init(.source, source))
        calls[reader].nodes = Set(calls[reader].nodes + call.nodes).sorted()
      }
      if let first = readers.first { calls[first].cost += call.cost }
      unread.insert(index)
    }
    remove(unread)
  }

  /// Whether a call is a product that reads a value as its rows and as nothing else.
  private func readsAsRows(_ value: Value, _ call: Call) -> Bool {
    guard call.op?.kind == .linear || call.op?.kind == .linearWeightGradient else { return false }
    return call.kernel.operands.allSatisfy { $0.content != value || $0.role == .rows }
  }
}

extension KernelCall {
  /// Lets another operand have a role.
  mutating func replace(_ role: Role, by content: Content) {
    for index in operands.indices where operands[index].role == role {
      operands[index].content = content
    }
  }
}
