import GraphIR

extension Program {
  /// Makes two calls of a gradient that is made apart, as a norm's is: that of its input, which is found
  /// row by row, and those of its parameters, which are sums over all rows.
  mutating func splitNormGradients() {
    calls = calls.flatMap(split)
  }

  private func split(_ call: Call) -> [Call] {
    guard case .apart(let sums, let operations) = call.op?.operation.rowSums,
      Set(call.kernel.results.map { sums.contains($0.role) }).count == 2
    else { return [call] }
    var (ofRows, ofSums) = (call, call)
    ofRows.kernel.results.removeAll { sums.contains($0.role) }
    ofSums.kernel.results.removeAll { !sums.contains($0.role) }
    ofSums.kernel.operands.removeAll { $0.role == .extra }
    ofSums.kernel.finish = nil
    ofSums.cost = Cost(flops: operations * type(of: call.inputs[0]).count)
    ofRows.cost = call.cost - ofSums.cost
    return [ofRows, ofSums]
  }

  /// Lets gradients of parameters wait while gradients go back through what keeps sequences apart, or
  /// through the experts: threads need not wait for each other there, nor between those that waited.
  mutating func postponeParameterGradients() {
    let facts = ProgramFacts(self)
    var order: [Call] = []
    var waiting: [Call] = []
    for call in calls {
      if let first = waiting.first, !passes(call, waiting: first) {
        order += waiting
        waiting = []
      }
      if isLast(call, facts) { waiting.append(call) } else { order.append(call) }
    }
    calls = order + waiting
  }

  /// Whether a call makes nothing but parameters' gradients that no call reads.
  private func isLast(_ call: Call, _ facts: ProgramFacts) -> Bool {
    call.phase == .backward && call.kernel.makesOnlyRowSums
      && call.results.allSatisfy { facts.readers[$0] == nil }
  }

  /// Whether a call may come before one of the same layer that waits.
  private func passes(_ call: Call, waiting: Call) -> Bool {
    guard call.phase == waiting.phase, call.layer == waiting.layer else { return false }
    let isGradient = call.kernel.makesOnlyRowSums
    guard isGradient || call.op?.operation.keepsSequencesApart ?? true else { return false }
    if !readsRowsByExpert(waiting) { return !readsRowsByExpert(call) }
    return readsRowsByExpert(call) && (isGradient || makesRowsByExpert(call))
  }

  private func readsRowsByExpert(_ call: Call) -> Bool {
    call.inputs.contains { type(of: $0).experts != nil }
  }

  private func makesRowsByExpert(_ call: Call) -> Bool {
    call.results.contains { type(of: $0).experts != nil }
  }
}
