import GraphIR

extension Program {
  /// The calls around an attention whose queries, keys and values can be made as parts of one tensor.
  struct Projections {
    var attention: Int
    var op: Attention

    /// The products that make queries, keys and values.
    var products: [Int] = []

    /// Their weights, parameters that were created one after the other.
    var weights: [Value] = []

    /// The calls that turn queries and keys by position; none where nothing is turned.
    var turns: [Int] = []
    var backward: Backward?

    struct Backward {
      var attention: Int

      /// The calls that turn the gradients of queries and keys back.
      var turns: [Int] = []
      var inputGradients: [Int] = []
      var weightGradients: [Int] = []

      /// The pointwise call that adds up the gradients of the rows.
      var sum = 0
    }
  }
}

extension Program.Projections {
  /// - Returns: nil where they cannot be joined.
  init?(of attention: Int, in program: Program, _ facts: ProgramFacts) {
    guard case .attention(let op) = program.calls[attention].op else { return nil }
    (self.attention, self.op) = (attention, op)
    let parts = Role.projected.compactMap { program.calls[attention][$0] }
    guard Set(parts).count == 3, parts.allSatisfy({ facts.outputs[$0] == nil }),
      findProducts(of: parts, program, facts)
    else { return nil }
    let readers = Set(parts.flatMap { facts.readers(of: $0) }).subtracting([attention])
    guard readers.count <= 1 else { return nil }
    if let gradient = readers.first {
      backward = Backward(gradient, self, in: program, facts)
      if backward == nil { return nil }
    }
    for (part, weight) in weights.enumerated() {
      let known = [products[part]] + (backward.map { [$0.inputGradients[part]] } ?? [])
      guard facts.readers(of: weight) == known else { return nil }
    }
  }

  /// The products behind the parts and what turns them; whether they can be one.
  private mutating func findProducts(
    of parts: [Value], _ program: Program, _ facts: ProgramFacts
  ) -> Bool {
    for part in parts {
      guard var maker = facts.maker[part] else { return false }
      if case .rotary = program.calls[maker].op {
        let source = program.calls[maker].inputs[0]
        guard facts.outputs[source] == nil, facts.readers(of: source) == [maker],
          let product = facts.maker[source]
        else { return false }
        turns.append(maker)
        maker = product
      }
      guard let weight = program.calls[maker][.weights], program.isPlain(program.calls[maker])
      else { return false }
      products.append(maker)
      weights.append(weight)
    }
    return Set(products).count == 3 && program.areAlike(products) { [$0[.rows], $0[.source]] }
      && program.areNeighbours(weights) && areTurnedAlike(parts, program)
  }

  /// Nothing is turned, or queries and keys are, in one way.
  private func areTurnedAlike(_ parts: [Value], _ program: Program) -> Bool {
    if turns.isEmpty { return true }
    guard turns.count == 2, turns.map({ program.calls[$0].results[0] }) == Array(parts.prefix(2)),
      case .rotary(let first) = program.calls[turns[0]].op,
      case .rotary(var other) = program.calls[turns[1]].op, first.turned == nil,
      first.heads.size == op.heads.size, other.heads.size == op.keyHeads.size
    else { return false }
    other.heads = first.heads
    return first == other && program.areAlike(turns) { _ in [] }
  }
}

extension Program.Projections.Backward {
  fileprivate init?(
    _ attention: Int, _ forward: Program.Projections, in program: Program, _ facts: ProgramFacts
  ) {
    self.attention = attention
    guard case .attentionGradient = program.calls[attention].op else { return nil }
    let parts = Role.projected.compactMap { program.calls[attention].kernel.result($0) }
    guard parts.count == 3 else { return nil }
    for (number, part) in parts.enumerated() {
      guard let value = turnedBack(part, number < forward.turns.count, program, facts),
        findProducts(of: value, forward.weights[number], program, facts)
      else { return nil }
    }
    let sums = Set(inputGradients.flatMap { facts.readers(of: program.calls[$0].results[0]) })
    guard sums.count == 1, let sum = sums.first, program.areAlike(turns, by: { _ in [] }),
      program.areAlike(inputGradients, by: { _ in [] }),
      inputGradients.allSatisfy({ program.adds(sum, program.calls[$0].results[0]) }),
      program.calls[sum].layer == program.calls[inputGradients[0]].layer
    else { return nil }
    self.sum = sum
  }

  /// A part's gradient as its product reads it.
  private mutating func turnedBack(
    _ part: Value, _ isTurned: Bool, _ program: Program, _ facts: ProgramFacts
  ) -> Value? {
    guard facts.outputs[part] == nil else { return nil }
    if !isTurned { return part }
    guard facts.readers(of: part).count == 1, let turn = facts.readers(of: part).first,
      case .rotary = program.calls[turn].op
    else { return nil }
    turns.append(turn)
    let value = program.calls[turn].results[0]
    return facts.outputs[value] == nil ? value : nil
  }

  /// The gradients of the rows and of the weights that a part's gradient gives, and nothing else does.
  private mutating func findProducts(
    of gradient: Value, _ weight: Value, _ program: Program, _ facts: ProgramFacts
  ) -> Bool {
    let readers = facts.readers(of: gradient)
    guard readers.count == 2,
      let input = readers.first(where: { program.calls[$0].op?.kind == .linearInputGradient }),
      let weights = readers.first(where: { program.calls[$0].op?.kind == .linearWeightGradient }),
      program.calls[input][.weights] == weight, program.calls[input].kernel.finishes.isEmpty,
      program.calls[input].results.allSatisfy({ facts.outputs[$0] == nil }),
      program.calls[weights].results.allSatisfy({ facts.readers[$0] == nil })
    else { return false }
    inputGradients.append(input)
    weightGradients.append(weights)
    return true
  }
}

extension Program {
  /// Whether dense products without biases and last steps make results that begin with a panel.
  fileprivate func isPlain(_ call: Call) -> Bool {
    call.op == .linear(Linear(bias: false)) && call[.start] == nil && call.kernel.finishes.isEmpty
      && call.kernel.partCount == 1 && type(of: call.results[0]).width % Program.panelWidth == 0
  }

  /// Whether calls are of one stretch, and what is asked of them is the same.
  fileprivate func areAlike(_ group: [Int], by key: (Call) -> [Value?]) -> Bool {
    let stretches = stretches
    return Set(group.map { stretches[$0] }).count <= 1
      && Set(group.map { key(calls[$0]) }).count <= 1
  }

  /// Whether values are parameters created one after the other.
  fileprivate func areNeighbours(_ values: [Value]) -> Bool {
    let all = parameters.map(\.value)
    guard let first = all.firstIndex(of: values[0]) else { return false }
    return all.dropFirst(first).prefix(values.count).elementsEqual(values)
  }
}
