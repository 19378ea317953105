// Scalar expressions: `x0 + max(x1, 0.5) * keep(stream 3, rate 0.1)`.
extension GraphParser {
  /// An expression and how deeply it nests.
  typealias Nested = (expression: ScalarExpression, depth: Int)

  mutating func expression() throws(Diagnostic) -> ScalarExpression {
    try sum(within: 0).expression
  }

  /// Terms joined by `+` and `-`, from left to right.
  private mutating func sum(within depth: Int) throws(Diagnostic) -> Nested {
    var left = try product(within: depth)
    while let function = acceptOperator([.add, .subtract]) {
      left = try join(function, left, try product(within: depth))
    }
    return left
  }

  /// Factors joined by `*` and `/`, from left to right.
  private mutating func product(within depth: Int) throws(Diagnostic) -> Nested {
    var left = try primary(within: depth)
    while let function = acceptOperator([.multiply, .divide]) {
      left = try join(function, left, try primary(within: depth))
    }
    return left
  }

  private mutating func acceptOperator(_ functions: [BinaryFunction]) -> BinaryFunction? {
    for function in functions where cursor.accept(function.rawValue) { return function }
    return nil
  }

  private func join(
    _ function: BinaryFunction, _ a: Nested, _ b: Nested
  ) throws(Diagnostic) -> Nested {
    let depth = max(a.depth, b.depth) + 1
    try checkDepth(depth)
    return (.binary(function, a.expression, b.expression), depth)
  }

  private func checkDepth(_ depth: Int) throws(Diagnostic) {
    guard depth <= ScalarExpression.largestDepth else {
      throw cursor.failure(
        "the expression nests more than \(ScalarExpression.largestDepth) functions")
    }
  }

  /// A number, an input, a function, a random stream, or an expression in parentheses.
  private mutating func primary(within depth: Int) throws(Diagnostic) -> Nested {
    try checkDepth(depth)
    if let value = try cursor.number() { return (.constant(value), 1) }
    if cursor.accept("(") { return try closed(within: depth) }
    cursor.skipSpaces()
    let start = cursor.position
    let name = try cursor.name("an expression")
    if let function = UnaryFunction(rawValue: name) {
      try cursor.expect("(")
      let argument = try closed(within: depth)
      try checkDepth(argument.depth + 1)
      return (.unary(function, argument.expression), argument.depth + 1)
    }
    if let function = BinaryFunction(rawValue: name) {
      try cursor.expect("(")
      let first = try sum(within: depth + 1)
      try cursor.expect(",")
      return try join(function, first, try closed(within: depth))
    }
    return (try leaf(name, at: start), 1)
  }

  /// What stands up to the closing parenthesis.
  private mutating func closed(within depth: Int) throws(Diagnostic) -> Nested {
    let inner = try sum(within: depth + 1)
    try cursor.expect(")")
    return inner
  }

  private mutating func leaf(_ name: String, at start: Int) throws(Diagnostic) -> ScalarExpression {
    if let index = inputIndex(name) { return .input(index) }
    switch name {
    case "normal":
      try cursor.expect("(")
      let stream = try namedInteger("stream")
      try cursor.expect(")")
      return .normal(stream: stream)
    case "keep":
      try cursor.expect("(")
      let stream = try namedInteger("stream")
      try cursor.expect(",")
      let rate = try namedNumber("rate")
      try cursor.expect(")")
      return .keep(stream: stream, rate: rate)
    case _:
      throw cursor.failure("unknown function \(name)", at: start)
    }
  }

  /// The number behind the x of `x0`.
  private func inputIndex(_ name: String) -> Int? {
    guard name.utf8.first == UInt8(ascii: "x"), name.utf8.dropFirst().allSatisfy(\.isDigit),
      let index = Int(name.dropFirst()), index <= Cursor.largestInteger
    else { return nil }
    return index
  }
}

extension ScalarExpression {
  /// How deeply an expression may nest, so that walking it never exhausts the stack.
  public static let largestDepth = 200

  /// Reads what `description` writes.
  public init(parsing text: String) throws(Diagnostic) {
    var parser = GraphParser(Cursor(text, file: "expression"))
    self = try parser.expression()
    try parser.cursor.expectEndOfLine()
  }
}
