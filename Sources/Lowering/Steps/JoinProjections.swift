import GraphIR

extension Program {
  /// Makes one product of the three that give an attention its queries, keys and values, and lets it make
  /// one tensor.
  ///
  /// Their weights lie one after the other in memory, so that together they are one matrix
  /// [Q + 2 K, I]; attention reads the three parts of each row where they are. Queries and keys that are
  /// turned by position are turned there, by one call. Backward mirrors it: one gradient [.., Q + 2 K], one
  /// product for the input and one for the weights.
  mutating func joinProjections() {
    // No two joins touch a call that the other asks for the readers of.
    let facts = ProgramFacts(self)
    var removed: Set<Int> = []
    for index in calls.indices {
      guard let projections = Projections(of: index, in: self, facts) else { continue }
      removed.formUnion(apply(projections))
    }
    remove(removed)
    dropUnmadeTypes()
  }

  /// Outputs in a panel of weights: of weights side by side none may begin within one.
  public static let panelWidth = 16

  private mutating func apply(_ projections: Projections) -> Set<Int> {
    let attention = projections.op
    let type = type(of: calls[projections.attention][.keys] ?? Value(node: 0))
    guard let width = type.axes.last else { return [] }
    let joined = type.replacingLast(with: (attention.group + 2) * width)
    var removed: Set<Int> = []

    let (product, others) = (projections.products.min() ?? 0, projections.products.sorted())
    let all = calls[projections.products[0]].results[0]
    calls[product].kernel.widen(.weights, by: projections.weights)
    calls[product].kernel.results = [.init(.output, all)]
    types[all] = joined
    for other in others.dropFirst() { calls[product].join(calls[other]) }
    removed.formUnion(others.dropFirst())

    let turned = turn(all, by: projections.turns, attention, joined, &removed)
    calls[projections.attention].kernel.joinProjections(turned)
    guard let backward = projections.backward,
      let gradient = calls[backward.attention].kernel.result(.queries)
    else { return removed }
    types[gradient] = joined
    calls[backward.attention].kernel.joinProjections(turned)
    calls[backward.attention].kernel.results = [.init(.projections, gradient)]
    let arrived = turn(gradient, by: backward.turns, attention, joined, &removed)
    apply(backward, arrived, projections.weights, &removed)
    return removed
  }

  /// One call that turns queries and keys where they lie side by side, in the place of two.
  ///
  /// - Returns: what it makes; the value itself where nothing is turned.
  private mutating func turn(
    _ value: Value, by turns: [Int], _ attention: Attention, _ type: TensorType,
    _ removed: inout Set<Int>
  ) -> Value {
    guard let first = turns.min(), let other = turns.max(), case .rotary(var op) = calls[first].op,
      let result = calls[first].results.first
    else { return value }
    op.heads = (attention.group + 2) * attention.keyHeads
    op.turned = (attention.group + 1) * attention.keyHeads
    calls[first].kernel.action = .op(.rotary(op))
    calls[first].kernel.operands = [.init(.operand, value)]
    calls[first].join(calls[other])
    types[result] = type
    removed.insert(other)
    return result
  }

  private mutating func apply(
    _ backward: Projections.Backward, _ gradient: Value, _ weights: [Value],
    _ removed: inout Set<Int>
  ) {
    // The last one stands where all that they read is there; the sum has one addend for three.
    let products = Array(backward.inputGradients.sorted().reversed())
    let (last, others) = (products[0], products.dropFirst())
    leaveOut(others.flatMap { calls[$0].results }, of: backward.sum)
    calls[last].kernel.widen(.gradient, by: [gradient])
    calls[last].kernel.widen(.weights, by: weights)
    for other in others { calls[last].join(calls[other]) }

    let (first, rest) = (backward.weightGradients[0], backward.weightGradients.dropFirst())
    calls[first].kernel.replace(.gradient, by: gradient)
    calls[first].kernel.results = backward.weightGradients.flatMap { calls[$0].kernel.results }
    for other in rest { calls[first].join(calls[other]) }
    removed.formUnion(others + Array(rest))
  }
}

extension KernelCall {
  /// Lets attention read queries, keys and values as parts of one tensor.
  fileprivate mutating func joinProjections(_ all: Content) {
    let place = operands.firstIndex { $0.role == .queries } ?? operands.endIndex
    operands.removeAll { Role.projected.contains($0.role) }
    operands.insert(.init(.projections, all), at: place)
  }
}
