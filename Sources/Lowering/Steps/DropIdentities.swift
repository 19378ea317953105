import GraphIR

extension Program {
  /// Leaves out pointwise calls that are their only operand, which stands in their place from then on.
  mutating func dropIdentities() {
    let facts = ProgramFacts(self)
    var replaced: [Value: Value] = [:]
    var unread: Set<Int> = []
    for (index, call) in calls.enumerated() {
      guard case .pointwise(let op) = call.op, op.expression == .input(0),
        call.inputs.count == 1, let result = call.results.first,
        type(of: call.inputs[0]) == type(of: result)
      else { continue }
      let value = replaced[call.inputs[0]] ?? call.inputs[0]
      replaced[result] = value
      guard let maker = facts.maker[value] else { continue }
      calls[maker].takeOver(call)
      unread.insert(index)
    }
    replaced = replaced.filter { facts.maker[$0.value] != nil }
    substitute(replaced)
    remove(unread)
  }
}
