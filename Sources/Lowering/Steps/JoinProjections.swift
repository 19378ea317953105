import GraphIR

extension Program {
  /// Lets the three products that give an attention its queries, keys and values, and are one call by
  /// now, make one tensor.
  ///
  /// Their weights lie one after the other in memory, so that together they are one matrix
  /// [3 O, I]; attention reads the three parts of each row where they are. Backward mirrors it: one
  /// gradient [.., 3 O], one product for the input and one for the weights.
  mutating func joinProjections() {
    // No two joins touch a call that the other asks for the readers of.
    let facts = ProgramFacts(self)
    let places = Dictionary(
      uniqueKeysWithValues: parameters.enumerated().map { ($1.value, $0) })
    var removed: Set<Int> = []
    for index in calls.indices {
      guard case .attention = calls[index].op,
        let projections = Projections(of: index, in: self, facts, places)
      else { continue }
      removed.formUnion(apply(projections))
    }
    remove(removed)
    dropUnmadeTypes()
  }

  /// Outputs in a panel of weights: of weights side by side none may begin within one.
  public static let panelWidth = 16

  /// The calls around an attention.
  fileprivate struct Projections {
    var attention: Int
    var product: Int
    var backward: Backward?

    struct Backward {
      var attention: Int
      var inputGradient: Int
      var weightGradients: [Int] = []
    }

    /// - Parameter places: which one of all parameters a value is.
    init?(of attention: Int, in program: Program, _ facts: ProgramFacts, _ places: [Value: Int]) {
      self.attention = attention
      let parts = Role.projected.compactMap { program.calls[attention][$0] }
      guard let product = parts.first.flatMap({ facts.maker[$0] }) else { return nil }
      self.product = product
      let call = program.calls[product]
      let weights = call.kernel.all(.weights)
      let readers = Set(parts.flatMap { facts.readers(of: $0) }).subtracting([attention])
      guard call.results == parts, program.isPlain(call), Self.areNeighbours(weights, places),
        readers.count <= 1, parts.allSatisfy({ facts.outputs[$0] == nil })
      else { return nil }
      if let gradient = readers.first {
        backward = Backward(gradient, weights, in: program, facts)
        if backward == nil { return nil }
      }
      let known = [product] + (backward.map { [$0.inputGradient] } ?? [])
      guard weights.allSatisfy({ facts.readers(of: $0) == known }) else { return nil }
    }

    /// Whether values are parameters created one after the other.
    private static func areNeighbours(_ values: [Value], _ places: [Value: Int]) -> Bool {
      let places = values.compactMap { places[$0] }
      return places.count == values.count
        && zip(places, places.dropFirst()).allSatisfy { $1 == $0 + 1 }
    }
  }

  /// Whether dense products without biases and last steps make results that begin with a panel.
  private func isPlain(_ call: Call) -> Bool {
    call.op == .linear(Linear(bias: false)) && call[.start] == nil && call.kernel.finishes.isEmpty
      && call.results.allSatisfy { type(of: $0).width % Program.panelWidth == 0 }
  }
}

extension Program.Projections.Backward {
  init?(_ attention: Int, _ weights: [Value], in program: Program, _ facts: ProgramFacts) {
    self.attention = attention
    let call = program.calls[attention]
    guard case .attentionGradient = call.op else { return nil }
    let parts = Role.projected.compactMap { call.kernel.result($0) }
    let readers = parts.map { facts.readers(of: $0) }
    guard
      let input = readers.first?.first(where: {
        program.calls[$0].op?.kind == .linearInputGradient
      }), program.calls[input].kernel.all(.gradient) == parts,
      program.calls[input].kernel.all(.weights) == weights
    else { return nil }
    inputGradient = input
    for (part, users) in zip(parts, readers) {
      let others = users.filter { $0 != input }
      guard facts.outputs[part] == nil, others.count == 1, let user = others.first,
        program.calls[user].op?.kind == .linearWeightGradient,
        program.calls[user].results.allSatisfy({ facts.readers[$0] == nil })
      else { return nil }
      weightGradients.append(user)
    }
  }
}

extension Program {
  private mutating func apply(_ projections: Projections) -> Set<Int> {
    guard let all = calls[projections.product].results.first else { return [] }
    let type = type(of: all)
    if let width = type.axes.last { types[all] = type.replacingLast(with: 3 * width) }
    calls[projections.product].kernel.results = [.init(.output, all)]
    calls[projections.attention].kernel.joinProjections(all)
    return projections.backward.map { apply($0, all) } ?? []
  }

  private mutating func apply(_ backward: Projections.Backward, _ all: Value) -> Set<Int> {
    guard let gradient = calls[backward.attention].kernel.result(.queries) else { return [] }
    types[gradient] = type(of: all)
    calls[backward.attention].kernel.joinProjections(all)
    calls[backward.attention].kernel.results = [.init(.projections, gradient)]
    calls[backward.inputGradient].kernel.widen(.gradient, by: [gradient])
    let (first, others) = (backward.weightGradients[0], backward.weightGradients.dropFirst())
    calls[first].kernel.replace(.gradient, by: gradient)
    calls[first].kernel.results = backward.weightGradients.flatMap { calls[$0].kernel.results }
    for other in others { calls[first].join(calls[other]) }
    return Set(others)
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
