/// Reads a regular expression.
struct PieceExpressionParser {
  indirect enum Node: Equatable {
    case one(CharacterClass)
    case sequence([Node])
    case choice([Node])
    /// `most` is Int.max for no end; `keeps`: what was taken is not given back.
    case repeated(Node, least: Int, most: Int, keeps: Bool)
    case look(isNegative: Bool, Node)
    case start
    case end
  }

  private var rest: Substring
  private var ignoresCase = false
  private var depth = 0

  /// Longer patterns, and deeper ones, no tokenizer has.
  private static let longest = 8192
  private static let deepest = 24
  private static let mostTimes = 1000

  init(_ pattern: String) { rest = pattern[...] }

  mutating func whole() throws(PieceExpression.Failure) -> Node {
    guard rest.utf8.count <= Self.longest else { throw fail("it is too long") }
    let node = try choice()
    guard rest.isEmpty else { throw fail("a bracket is closed that was not opened") }
    return node
  }

  private func fail(_ reason: String) -> PieceExpression.Failure { .init(reason: reason) }

  private mutating func take(_ text: String) -> Bool {
    guard rest.hasPrefix(text) else { return false }
    rest = rest.dropFirst(text.count)
    return true
  }

  private mutating func choice() throws(PieceExpression.Failure) -> Node {
    var nodes = [try sequence()]
    while take("|") { nodes.append(try sequence()) }
    return nodes.count == 1 ? nodes[0] : .choice(nodes)
  }

  private mutating func sequence() throws(PieceExpression.Failure) -> Node {
    var nodes: [Node] = []
    while let next = rest.first, next != "|", next != ")" {
      let atom = try atom()
      nodes.append(try repeated(atom))
    }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private mutating func atom() throws(PieceExpression.Failure) -> Node {
    if rest.hasPrefix("(") { return try group() }
    if rest.hasPrefix("[") { return .one(try bracket()) }
    let character = rest.removeFirst()
    switch character {
    case "^": return .start
    case "$": return .end
    case ".": return .one(CharacterClass([.range(10...10)], isNegated: true))
    case "\\": return .one(try escape())
    case "*", "+", "?", "{": throw fail("nothing is there to repeat before \(character)")
    default: return try literal(character)
    }
  }

  private func literal(_ character: Character) throws(PieceExpression.Failure) -> Node {
    let nodes = character.unicodeScalars.map { Node.one(single($0)) }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  /// One character, and where case does not matter its partners: ſ is an s, and K a k.
  private func single(_ scalar: Unicode.Scalar) -> CharacterClass {
    var values: Set<UInt32> = [scalar.value]
    if ignoresCase {
      for text in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
        let scalars = Array(text.unicodeScalars)
        if scalars.count == 1 { values.insert(scalars[0].value) }
      }
      if values.contains(0x73) { values.insert(0x17f) }
      if values.contains(0x6b) { values.insert(0x212a) }
    }
    return CharacterClass(values.sorted().map { .range($0...$0) })
  }

  // MARK: - Repetition

  private mutating func repeated(_ node: Node) throws(PieceExpression.Failure) -> Node {
    let times: (least: Int, most: Int)
    if take("*") {
      times = (0, .max)
    } else if take("+") {
      times = (1, .max)
    } else if take("?") {
      times = (0, 1)
    } else if rest.hasPrefix("{") {
      times = try counts()
    } else {
      return node
    }
    if rest.hasPrefix("?") { throw fail("it repeats as little as can be, with ?") }
    let keeps = take("+")
    if case .one = node {
    } else {
      if keeps { throw fail("it keeps what a group took, with +") }
      if times.most == .max, Self.repeats(node) { throw fail("it repeats what repeats") }
      if times.most != .max, times.most > 16 { throw fail("it repeats a group so often") }
    }
    switch node {
    case .one, .sequence, .choice: break
    case .repeated, .look, .start, .end: throw fail("it repeats what takes nothing")
    }
    return .repeated(node, least: times.least, most: times.most, keeps: keeps)
  }

  private mutating func counts() throws(PieceExpression.Failure) -> (least: Int, most: Int) {
    guard let close = rest.firstIndex(of: "}") else { throw fail("a brace is not closed") }
    let parts = rest[rest.index(after: rest.startIndex)..<close]
      .split(separator: ",", omittingEmptySubsequences: false)
    rest = rest[rest.index(after: close)...]
    let least = Int(parts[0].isEmpty ? "0" : parts[0])
    let most = parts.count == 1 ? least : parts[1].isEmpty ? Int.max : Int(parts[1])
    guard parts.count <= 2, let least, let most, least >= 0, least <= most,
      least <= Self.mostTimes, most == .max || most <= Self.mostTimes
    else { throw fail("what is in a brace is no count") }
    return (least, most)
  }

  /// Whether something in a node repeats without end, or it may take nothing: again and again, that
  /// would take for ever.
  private static func repeats(_ node: Node) -> Bool {
    switch node {
    case .one: false
    case .sequence(let nodes): nodes.isEmpty || nodes.contains(where: repeats)
    case .choice(let nodes): nodes.contains(where: repeats)
    case .repeated(_, let least, let most, _): least == 0 || most == .max
    case .look, .start, .end: true
    }
  }

  // MARK: - Groups

  private mutating func group() throws(PieceExpression.Failure) -> Node {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else { throw fail("its groups lie too deep in one another") }
    let before = ignoresCase
    var look: Bool?
    if take("(?i:") {
      ignoresCase = true
    } else if take("(?=") {
      look = false
    } else if take("(?!") {
      look = true
    } else if take("(?:") {
      // A group without a number is a group.
    } else if take("(?i)") {
      ignoresCase = true
      return .sequence([])
    } else if rest.hasPrefix("(?") {
      throw fail("it has a group \(rest.prefix(4))…")
    } else {
      _ = take("(")
    }
    let node = try choice()
    guard take(")") else { throw fail("a bracket is not closed") }
    ignoresCase = before
    return look.map { .look(isNegative: $0, node) } ?? node
  }

  // MARK: - Classes

  private mutating func escape() throws(PieceExpression.Failure) -> CharacterClass {
    guard !rest.isEmpty else { throw fail("it ends with a backslash") }
    let letter = rest.removeFirst()
    if let known = CharacterClass.escape(letter) { return known }
    switch letter {
    case "p", "P": return try property(isNegated: letter == "P")
    case "n": return single("\n")
    case "r": return single("\r")
    case "t": return single("\t")
    case "f": return single("\u{c}")
    case "v": return single("\u{b}")
    case "x", "u": return single(try hexadecimal(letter == "x" ? 2 : 4))
    default:
      guard let scalar = letter.unicodeScalars.first, letter.unicodeScalars.count == 1,
        !letter.isLetter, !letter.isNumber
      else { throw fail("it has \\\(letter)") }
      return single(scalar)
    }
  }

  private mutating func hexadecimal(_ usual: Int) throws(PieceExpression.Failure) -> Unicode.Scalar
  {
    var digits = rest.prefix(usual)
    if take("{") {
      digits = rest.prefix { $0 != "}" }
      rest = rest.dropFirst(digits.count + 1)
    } else {
      rest = rest.dropFirst(digits.count)
    }
    guard let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) else {
      throw fail("it has the number of no character")
    }
    return scalar
  }

  private mutating func property(
    isNegated: Bool
  ) throws(PieceExpression.Failure) -> CharacterClass {
    guard take("{"), let close = rest.firstIndex(of: "}") else {
      throw fail("a property has no name in braces")
    }
    var name = rest[..<close]
    rest = rest[rest.index(after: close)...]
    var isNegated = isNegated
    if name.hasPrefix("^") {
      name = name.dropFirst()
      isNegated.toggle()
    }
    guard let known = CharacterClass.property(String(name)) else {
      throw fail("it has \\p{\(name)}")
    }
    return isNegated ? CharacterClass([.other(known)], isNegated: true) : known
  }

  private mutating func bracket() throws(PieceExpression.Failure) -> CharacterClass {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else { throw fail("its brackets lie too deep in one another") }
    _ = take("[")
    let isNegated = take("^")
    var items: [CharacterClass.Item] = []
    var isFirst = true
    while isFirst || !rest.hasPrefix("]") {
      guard !rest.isEmpty else { throw fail("a bracket is not closed") }
      isFirst = false
      if rest.hasPrefix("&&") { throw fail("it has && in brackets") }
      if rest.hasPrefix("[") {
        items.append(.other(try bracket()))
        continue
      }
      items += try member()
    }
    _ = take("]")
    return CharacterClass(items, isNegated: isNegated)
  }

  /// A character, a range of them, or what an escape means.
  private mutating func member() throws(PieceExpression.Failure) -> [CharacterClass.Item] {
    let first = try characters()
    guard rest.hasPrefix("-"), !rest.dropFirst().hasPrefix("]"),
      case .range(let start)? = first.first,
      first.count == 1
    else { return first }
    _ = take("-")
    let last = try characters()
    guard case .range(let end)? = last.first, last.count == 1, start.lowerBound <= end.lowerBound
    else { throw fail("a range in brackets goes nowhere") }
    return [.range(start.lowerBound...end.lowerBound)]
  }

  private mutating func characters() throws(PieceExpression.Failure) -> [CharacterClass.Item] {
    if take("\\") {
      let group = try escape()
      return group.isNegated ? [.other(group)] : group.items
    }
    // A mark after a letter is a member by itself.
    let scalar = rest.unicodeScalars.removeFirst()
    return single(scalar).items
  }
}
