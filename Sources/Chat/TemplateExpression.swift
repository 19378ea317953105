/// An expression, parsed.
indirect enum TemplateExpression: Equatable, Sendable {
  case value(TemplateValue)
  case name(String)
  case list([TemplateExpression])
  case object([String: TemplateExpression])
  case member(TemplateExpression, TemplateExpression)
  case slice(TemplateExpression, from: TemplateExpression?, to: TemplateExpression?, by: Int)
  case call(
    String, of: TemplateExpression?, [TemplateExpression], named: [String: TemplateExpression])
  case test(TemplateExpression, String, isNegated: Bool)
  case not(TemplateExpression)
  case minus(TemplateExpression)
  case binary(String, TemplateExpression, TemplateExpression)
  /// `one if condition else other`.
  case choice(TemplateExpression, condition: TemplateExpression, otherwise: TemplateExpression?)
}

/// Reads expressions by recursive descent, loosest first.
struct TemplateExpressionParser {
  private var words: ArraySlice<TemplateWord>
  private let line: Int
  private var depth = 0

  init(_ text: String, line: Int) throws(TemplateError) {
    words = try TemplateWord.words(of: text, line: line)[...]
    self.line = line
  }

  var isAtEnd: Bool { words.isEmpty }

  func fail(_ reason: String) -> TemplateError { .malformed(line: line, reason: reason) }

  mutating func accept(_ mark: String) -> Bool {
    guard words.first == .mark(mark) else { return false }
    words.removeFirst()
    return true
  }

  mutating func acceptName(_ name: String) -> Bool {
    guard words.first == .name(name) else { return false }
    words.removeFirst()
    return true
  }

  mutating func expect(_ mark: String) throws(TemplateError) {
    if !accept(mark) { throw fail("\(mark) is expected") }
  }

  mutating func name() throws(TemplateError) -> String {
    guard case .name(let name)? = words.popFirst() else { throw fail("a name is expected") }
    return name
  }

  mutating func expression() throws(TemplateError) -> TemplateExpression {
    depth += 1
    defer { depth -= 1 }
    if depth > 64 { throw fail("it lies too deep in itself") }
    let one = try either()
    guard acceptName("if") else { return one }
    let condition = try either()
    let other = acceptName("else") ? try expression() : nil
    return .choice(one, condition: condition, otherwise: other)
  }

  /// The same where an `if` behind it is another's.
  mutating func expressionWithoutChoice() throws(TemplateError) -> TemplateExpression {
    try either()
  }

  private mutating func either() throws(TemplateError) -> TemplateExpression {
    var left = try both()
    while acceptName("or") { left = .binary("or", left, try both()) }
    return left
  }

  private mutating func both() throws(TemplateError) -> TemplateExpression {
    var left = try negated()
    while acceptName("and") { left = .binary("and", left, try negated()) }
    return left
  }

  private mutating func negated() throws(TemplateError) -> TemplateExpression {
    acceptName("not") ? .not(try negated()) : try compared()
  }

  private mutating func compared() throws(TemplateError) -> TemplateExpression {
    var left = try sum()
    while true {
      if case .mark(let mark)? = words.first, ["==", "!=", "<", ">", "<=", ">="].contains(mark) {
        words.removeFirst()
        left = .binary(mark, left, try sum())
      } else if acceptName("in") {
        left = .binary("in", left, try sum())
      } else if words.starts(with: [.name("not"), .name("in")]) {
        words.removeFirst(2)
        left = .not(.binary("in", left, try sum()))
      } else if acceptName("is") {
        let isNegated = acceptName("not")
        left = .test(left, try name(), isNegated: isNegated)
      } else {
        return left
      }
    }
  }

  private mutating func sum() throws(TemplateError) -> TemplateExpression {
    var left = try product()
    while case .mark(let mark)? = words.first, ["+", "-", "~"].contains(mark) {
      words.removeFirst()
      left = .binary(mark, left, try product())
    }
    return left
  }

  private mutating func product() throws(TemplateError) -> TemplateExpression {
    var left = try filtered()
    while case .mark(let mark)? = words.first, ["%", "*"].contains(mark) {
      words.removeFirst()
      left = .binary(mark, left, try filtered())
    }
    return left
  }

  private mutating func filtered() throws(TemplateError) -> TemplateExpression {
    if accept("-") { return .minus(try filtered()) }
    var value = try accessed()
    while accept("|") {
      let filter = try name()
      let (list, named) = words.first == .mark("(") ? try arguments() : ([], [:])
      value = .call(filter, of: value, list, named: named)
    }
    return value
  }

  private mutating func accessed() throws(TemplateError) -> TemplateExpression {
    var value = try atom()
    while true {
      if accept(".") {
        let member = try name()
        if words.first == .mark("(") {
          let (list, named) = try arguments()
          value = .call(member, of: value, list, named: named)
        } else {
          value = .member(value, .value(.text(member)))
        }
      } else if accept("[") {
        value = try subscripted(value)
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(
    _ value: TemplateExpression
  ) throws(TemplateError) -> TemplateExpression {
    let from = words.first == .mark(":") ? nil : try expression()
    guard accept(":") else {
      try expect("]")
      return .member(value, from ?? .value(.none))
    }
    var by = 1
    let to =
      words.first == .mark(":") || words.first == .mark("]") ? nil : try expression()
    if accept(":") {
      let isBackwards = accept("-")
      guard case .number(let step)? = words.popFirst(), step > 0 else {
        throw fail("a step of a slice is a number")
      }
      by = isBackwards ? -step : step
    }
    try expect("]")
    return .slice(value, from: from, to: to, by: by)
  }

  private mutating func arguments() throws(TemplateError) -> (
    [TemplateExpression], [String: TemplateExpression]
  ) {
    try expect("(")
    var list: [TemplateExpression] = []
    var named: [String: TemplateExpression] = [:]
    while !accept(")") {
      if case .name(let name)? = words.first, words.dropFirst().first == .mark("=") {
        words.removeFirst(2)
        named[name] = try expression()
      } else {
        list.append(try expression())
      }
      if words.first != .mark(")") { try expect(",") }
    }
    return (list, named)
  }

  private mutating func atom() throws(TemplateError) -> TemplateExpression {
    switch words.popFirst() {
    case .text(var text)?:
      // Texts side by side are one.
      while case .text(let more)? = words.first {
        words.removeFirst()
        text += more
      }
      return .value(.text(text))
    case .number(let number)?: return .value(.number(number))
    case .name(let name)?: return try named(name)
    case .mark("(")?:
      let inner = try expression()
      try expect(")")
      return inner
    case .mark("[")?:
      var list: [TemplateExpression] = []
      while !accept("]") {
        list.append(try expression())
        if words.first != .mark("]") { try expect(",") }
      }
      return .list(list)
    case .mark("{")?: return try object()
    case .mark(let mark)?: throw fail("\(mark) is not expected here")
    case nil: throw fail("an expression ends too soon")
    }
  }

  private mutating func object() throws(TemplateError) -> TemplateExpression {
    var members: [String: TemplateExpression] = [:]
    while !accept("}") {
      guard case .text(let key)? = words.popFirst() else { throw fail("a key is a text") }
      try expect(":")
      members[key] = try expression()
      if words.first != .mark("}") { try expect(",") }
    }
    return .object(members)
  }

  private mutating func named(_ name: String) throws(TemplateError) -> TemplateExpression {
    switch name {
    case "true", "True": return .value(.bool(true))
    case "false", "False": return .value(.bool(false))
    case "none", "None": return .value(.none)
    default: break
    }
    guard words.first == .mark("(") else { return .name(name) }
    let (list, named) = try arguments()
    return .call(name, of: nil, list, named: named)
  }
}
