/// A regular expression as `tokenizer.json` has it, of the kind that cuts texts into pieces: classes,
/// alternatives, groups, repetition, looking ahead. It is a small program for `PieceMatcher`.
struct PieceExpression: Equatable, Sendable {
  enum Instruction: Equatable, Sendable {
    /// One character of the class.
    case one(Int)
    /// As many characters of the class as there are, from `least` to `most`; fewer if what follows does
    /// not match, unless it keeps them.
    case run(Int, least: Int, most: Int, keeps: Bool)
    /// The first of two ways, then the other.
    case split(Int, Int)
    case jump(Int)
    /// What follows up to `end` must match here, or must not; nothing is taken.
    case look(isNegative: Bool, end: Int)
    case start
    case end
    case matched
  }

  let pattern: String
  private(set) var instructions: [Instruction] = []
  private(set) var classes: [CharacterClass] = []

  /// Why a pattern is not taken.
  struct Failure: Error {
    var reason: String
  }

  /// Errors: what the pattern has and this does not.
  init(_ pattern: String) throws(Failure) {
    self.pattern = pattern
    var parser = PieceExpressionParser(pattern)
    emit(try parser.whole())
    instructions.append(.matched)
  }

  // MARK: - From a tree to instructions

  private mutating func emit(_ node: PieceExpressionParser.Node) {
    switch node {
    case .one(let group): instructions.append(.one(add(group)))
    case .start: instructions.append(.start)
    case .end: instructions.append(.end)
    case .sequence(let nodes): for node in nodes { emit(node) }
    case .choice(let nodes): emit(choice: nodes[...])
    case .look(let isNegative, let node):
      let place = instructions.count
      instructions.append(.matched)
      emit(node)
      instructions.append(.matched)
      instructions[place] = .look(isNegative: isNegative, end: instructions.count)
    case .repeated(.one(let group), let least, let most, let keeps):
      instructions.append(.run(add(group), least: least, most: most, keeps: keeps))
    case .repeated(let node, let least, let most, _): emit(node, least, most)
    }
  }

  private mutating func emit(choice nodes: ArraySlice<PieceExpressionParser.Node>) {
    guard let first = nodes.first else { return }
    if nodes.count == 1 { return emit(first) }
    let place = instructions.count
    instructions.append(.matched)
    emit(first)
    let leave = instructions.count
    instructions.append(.matched)
    instructions[place] = .split(place + 1, instructions.count)
    emit(choice: nodes.dropFirst())
    instructions[leave] = .jump(instructions.count)
  }

  /// A group so many times; each one more than it must be is a way that may be taken or not.
  private mutating func emit(_ node: PieceExpressionParser.Node, _ least: Int, _ most: Int) {
    for _ in 0..<least { emit(node) }
    if most == Int.max {
      let place = instructions.count
      instructions.append(.matched)
      emit(node)
      instructions.append(.jump(place))
      instructions[place] = .split(place + 1, instructions.count)
      return
    }
    var places: [Int] = []
    for _ in least..<most {
      places.append(instructions.count)
      instructions.append(.matched)
      emit(node)
    }
    for place in places { instructions[place] = .split(place + 1, instructions.count) }
  }

  private mutating func add(_ group: CharacterClass) -> Int {
    if let known = classes.firstIndex(of: group) { return known }
    classes.append(group)
    return classes.count - 1
  }
}
