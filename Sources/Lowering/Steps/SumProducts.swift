import GraphIR

extension Program {
  /// Makes one product of several that are added up: `dx = dy w + dz v` is one sum over the outputs of
  /// both, as the gradient of rows that several products read.
  ///
  /// Where the last of them stands all that they read is there. The sum that is left over may be of
  /// one addend.
  mutating func sumProducts() {
    let facts = ProgramFacts(self)
    var groups: [Addends: [Int]] = [:]
    let stretches = stretches
    for index in calls.indices {
      guard var addends = Addends(calls[index], in: self, facts) else { continue }
      addends.stretch = stretches[index]
      groups[addends, default: []].append(index)
    }
    var removed: Set<Int> = []
    for (addends, group) in groups.sorted(by: { $0.value[0] < $1.value[0] }) where group.count > 1 {
      // Backward goes through products in reverse.
      sum(group.reversed(), addends.sum)
      removed.formUnion(group.dropLast())
    }
    remove(removed)
  }

  /// What products have in common that can be one.
  private struct Addends: Hashable {
    /// The pointwise call that adds them up.
    var sum: Int
    var weights: TensorType
    var result: TensorType
    var start: Value?
    var stretch = 0

    /// The gradient of attention that makes what comes back, turned by position or not: its three stay
    /// among themselves.
    var attention: Int?

    init?(_ call: Call, in program: Program, _ facts: ProgramFacts) {
      guard case .linearInputGradient = call.op, let weights = call[.weights],
        call.kernel.partCount == 1, let result = call.kernel.result(.rows),
        facts.outputs[result] == nil,
        facts.readers(of: result).count == 1, let sum = facts.readers(of: result).first,
        program.adds(sum, result), program.calls[sum].layer == call.layer
      else { return nil }
      self.sum = sum
      self.weights = program.type(of: weights)
      self.result = program.type(of: result)
      start = call[.start]
      attention = call[.gradient].flatMap { program.attentionGradient(making: $0, facts) }
    }
  }

  /// The gradient of attention that makes a value, or what is turned by position to be it.
  private func attentionGradient(making value: Value, _ facts: ProgramFacts) -> Int? {
    guard var maker = facts.maker[value] else { return nil }
    if case .rotary = calls[maker].op, let source = calls[maker].inputs.first {
      maker = facts.maker[source] ?? maker
    }
    return calls[maker].op?.kind == .attentionGradient ? maker : nil
  }

  /// Whether a pointwise call adds a value to whatever else it computes.
  func adds(_ index: Int, _ addend: Value) -> Bool {
    guard case .pointwise(let op) = calls[index].op else { return false }
    let places = calls[index].inputs.indices.filter { calls[index].inputs[$0] == addend }
    return places.count == 1 && op.expression.derivative(by: places[0]) == .constant(1)
  }

  /// - Parameter group: the calls, the last of them first.
  private mutating func sum(_ group: [Int], _ sum: Int) {
    let (last, others) = (group[0], group.dropFirst())
    leaveOut(others.flatMap { calls[$0].results }, of: sum)
    let kernels = group.map { calls[$0].kernel }
    for role in [Role.gradient, .weights] {
      calls[last].kernel.widen(role, by: kernels.compactMap { $0[role] })
    }
    for other in others { calls[last].join(calls[other]) }
  }

  /// Leaves addends out of a sum that another addend has taken in.
  mutating func leaveOut(_ gone: [Value], of sum: Int) {
    guard case .pointwise(let op) = calls[sum].op else { return }
    let inputs = calls[sum].inputs
    let kept = inputs.indices.filter { !gone.contains(inputs[$0]) }
    let expression = op.expression.substituting { index in
      gone.contains(inputs[index]) ? .constant(0) : .input(kept.firstIndex(of: index) ?? 0)
    }
    calls[sum].kernel.operands = kept.map { calls[sum].kernel.operands[$0] }
    calls[sum].kernel.action = .op(.pointwise(Pointwise(expression)))
  }
}
