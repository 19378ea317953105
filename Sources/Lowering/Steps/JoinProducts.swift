import GraphIR

extension Program {
  /// Makes one product of the three that give attention its queries, keys and values.
  ///
  /// Their weights lie one after the other in memory, so that together they are one matrix
  /// [3 O, I]; attention reads the three parts of each row where they are. Backward mirrors it: one
  /// gradient [.., 3 O], one product for the input and one for the weights.
  mutating func joinProducts() {
    // No two joins touch a call that the other asks for the readers of.
    let facts = ProgramFacts(self)
    let places = Dictionary(
      uniqueKeysWithValues: parameters.enumerated().map { ($1.value, $0) })
    var removed: Set<Int> = []
    for index in calls.indices {
      guard case .attention = calls[index].op, let join = Join(of: index, in: self, facts, places)
      else { continue }
      removed.formUnion(apply(join))
    }
    remove(removed)
  }

  /// The calls that become one, those of queries first.
  fileprivate struct Join {
    var attention: Int
    var forward: [Int] = []
    var weights: [Value] = []
    var backward: Backward?

    struct Backward {
      var attention: Int
      var inputGradients: [Int] = []
      var weightGradients: [Int] = []

      /// The sum of the three gradients of the input.
      var sum = 0
    }

    static let roles: [Role] = [.queries, .keys, .values]

    /// - Parameter places: which one of all parameters a value is.
    init?(of attention: Int, in program: Program, _ facts: ProgramFacts, _ places: [Value: Int]) {
      self.attention = attention
      let parts = Self.roles.compactMap { program.calls[attention][$0] }
      forward = parts.compactMap { facts.maker[$0] }
      guard Set(forward).count == 3,
        forward.allSatisfy({ program.isPlainProjection($0, like: forward[0]) })
      else { return nil }
      weights = forward.compactMap { program.calls[$0][.weights] }
      let readers = Set(parts.flatMap { facts.readers(of: $0) }).subtracting([attention])
      guard Self.areNeighbours(weights, places), readers.count <= 1,
        parts.allSatisfy({ facts.outputs[$0] == nil })
      else { return nil }
      if let gradient = readers.first {
        guard let backward = Backward(gradient, forward, weights, in: program, facts) else {
          return nil
        }
        self.backward = backward
      } else {
        guard zip(weights, forward).allSatisfy({ facts.readers[$0] == [$1] }) else { return nil }
      }
    }

    /// Whether values are parameters created one after the other.
    private static func areNeighbours(_ values: [Value], _ places: [Value: Int]) -> Bool {
      let places = values.compactMap { places[$0] }
      return places.count == values.count
        && zip(places, places.dropFirst()).allSatisfy { $1 == $0 + 1 }
    }
  }

  /// Whether a call is a dense product without bias, of the same input and shape as another.
  fileprivate func isPlainProjection(_ index: Int, like other: Int) -> Bool {
    let (call, other) = (calls[index], calls[other])
    guard call.op == .linear(Linear(bias: false)), let result = call.kernel.result(.output),
      let like = other.kernel.result(.output)
    else { return false }
    return type(of: result) == type(of: like) && type(of: result).experts == nil
      && type(of: result).width % Program.panelWidth == 0
      && call[.rows] == other[.rows] && call.layer == other.layer
  }

  /// Outputs in a panel of weights: of weights side by side none may begin within one.
  public static let panelWidth = 16
}

extension Program.Join.Backward {
  init?(
    _ attention: Int, _ forward: [Int], _ weights: [Value], in program: Program,
    _ facts: ProgramFacts
  ) {
    self.attention = attention
    let call = program.calls[attention]
    guard case .attentionGradient = call.op else { return nil }
    var sums: Set<Int> = []
    for (part, weight) in weights.enumerated() {
      guard let gradient = call.kernel.result(Program.Join.roles[part]),
        facts.outputs[gradient] == nil
      else { return nil }
      let users = facts.readers(of: gradient)
      guard users.count == 2,
        let input = users.first(where: { program.calls[$0].op?.kind == .linearInputGradient }),
        let weights = users.first(where: { program.calls[$0].op?.kind == .linearWeightGradient }),
        program.calls[input].inputs == [gradient, weight],
        facts.readers(of: weight).sorted() == [forward[part], input].sorted(),
        let made = program.calls[input].results.first, facts.outputs[made] == nil,
        facts.readers(of: made).count == 1,
        program.calls[weights].results.allSatisfy({ facts.readers[$0] == nil })
      else { return nil }
      inputGradients.append(input)
      weightGradients.append(weights)
      sums.formUnion(facts.readers(of: made))
    }
    let addends = inputGradients.compactMap { program.calls[$0].results.first }
    guard sums.count == 1, let sum = sums.first, program.adds(sum, addends) else { return nil }
    self.sum = sum
  }
}

extension Program {
  /// Whether a pointwise call adds some values to whatever else it computes.
  fileprivate func adds(_ index: Int, _ addends: [Value]) -> Bool {
    guard case .pointwise(let op) = calls[index].op else { return false }
    let inputs = calls[index].inputs
    return addends.allSatisfy { addend in
      let places = inputs.indices.filter { inputs[$0] == addend }
      return places.count == 1 && op.expression.derivative(by: places[0]) == .constant(1)
    }
  }

  private mutating func apply(_ join: Join) -> Set<Int> {
    let first = join.forward[0]
    guard let all = calls[first].kernel.result(.output) else { return [] }
    let type = type(of: all)
    if let width = type.axes.last {
      types[all] = type.replacingLast(with: join.weights.count * width)
    }
    calls[first].kernel.widen(by: join.weights)
    calls[join.attention].kernel.joinProjections(all)
    var removed = takeOver(join.forward)
    if let backward = join.backward { removed.formUnion(apply(backward, join.weights, all)) }
    return removed
  }

  private mutating func apply(
    _ backward: Join.Backward, _ weights: [Value], _ all: Value
  ) -> Set<Int> {
    let (attention, inputs) = (backward.attention, backward.inputGradients)
    let gone = inputs.dropFirst().compactMap { calls[$0].results.first }
    leaveOut(gone, of: backward.sum)
    guard let gradient = calls[attention].kernel.result(.queries) else { return [] }
    types[gradient] = type(of: all)
    calls[attention].kernel.joinProjections(all)
    calls[attention].kernel.results = [.init(.projections, gradient)]
    calls[inputs[0]].kernel.widen(by: weights)
    calls[inputs[0]].kernel.replace(.gradient, by: gradient)
    let first = backward.weightGradients[0]
    calls[first].kernel.replace(.gradient, by: gradient)
    calls[first].kernel.results = backward.weightGradients.flatMap { calls[$0].kernel.results }
    return takeOver(inputs).union(takeOver(backward.weightGradients))
  }

  /// Lets the first of some calls carry out what the others did; returns these.
  private mutating func takeOver(_ indices: [Int]) -> Set<Int> {
    for other in indices.dropFirst() { calls[indices[0]].takeOver(calls[other]) }
    return Set(indices.dropFirst())
  }

  /// Leaves addends out of a sum that another addend has taken in.
  private mutating func leaveOut(_ gone: [Value], of sum: Int) {
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

extension KernelCall {
  /// Gives a product further weights, side by side with its own.
  fileprivate mutating func widen(by weights: [Content]) {
    let place = operands.firstIndex { $0.role == .weights } ?? operands.endIndex
    operands.removeAll { $0.role == .weights }
    operands.insert(contentsOf: weights.map { .init(.weights, $0) }, at: place)
  }

  /// Lets attention read queries, keys and values as parts of one tensor.
  fileprivate mutating func joinProjections(_ all: Content) {
    let place = operands.firstIndex { $0.role == .queries } ?? operands.endIndex
    operands.removeAll { [.queries, .keys, .values].contains($0.role) }
    operands.insert(.init(.projections, all), at: place)
  }
}
