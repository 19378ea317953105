import GraphIR

extension Program {
  /// Makes two calls of a layer norm's gradient: that of its input, which is found row by row, and
  /// those of its parameters, which are sums over all rows.
  mutating func splitNormGradients() {
    var split: [Call] = []
    for call in calls {
      guard case .layerNormGradient(let op) = call.op, call.kernel.result(.rows) != nil,
        call.kernel.results.count > 1
      else {
        split.append(call)
        continue
      }
      var (ofInput, ofParameters) = (call, call)
      ofInput.kernel.results.removeAll { $0.role != .rows }
      ofParameters.kernel.results.removeAll { $0.role == .rows }
      ofParameters.kernel.operands.removeAll { $0.role == .extra }
      ofParameters.kernel.finish = nil
      ofParameters.cost = op.costOfParameters(call.inputs.map(type(of:)))
      ofInput.cost = call.cost - ofParameters.cost
      split += [ofInput, ofParameters]
    }
    calls = split
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
    let makesRows = call.op?.kind == .layerNormGradient && call.kernel.result(.rows) != nil
    return call.phase == .backward && isParameterGradient(call) && !makesRows
      && call.results.allSatisfy { facts.readers[$0] == nil }
  }

  private func isParameterGradient(_ call: Call) -> Bool {
    call.op?.operation.sumsRows ?? false
  }

  /// Whether a call may come before one of the same layer that waits.
  private func passes(_ call: Call, waiting: Call) -> Bool {
    guard call.phase == waiting.phase, call.layer == waiting.layer else { return false }
    let isGradient = isParameterGradient(call)
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
