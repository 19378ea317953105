// Attributes and initializers: `{name "token.weight", axes [V, C], init normal(1.0)}`.
extension GraphParser {
  /// Attributes in braces; none if no brace stands here.
  mutating func attributes() throws(Diagnostic) -> Attributes {
    var attributes = Attributes()
    guard cursor.accept("{") else { return attributes }
    repeat {
      let name = try cursor.name("an attribute's name")
      attributes = attributes.with(name, try content(of: name))
    } while cursor.accept(",")
    try cursor.expect("}")
    return attributes
  }

  /// The name says what an attribute holds where the text alone does not.
  private mutating func content(of name: String) throws(Diagnostic) -> Attributes.Content {
    if name == "f" { return .expression(try expression()) }
    if name == "init" { return .initializer(try initializer()) }
    if cursor.sees(",") || cursor.sees("}") { return .flag }
    if cursor.sees("\"") { return .string(try cursor.string("a string")) }
    if cursor.sees("[") { return .axes(try axisList()) }
    return try numberOrInteger(name)
  }

  /// A whole number if it is written without a point and an exponent.
  private mutating func numberOrInteger(_ name: String) throws(Diagnostic) -> Attributes.Content {
    let mark = cursor
    if cursor.seesDigit {
      let value = try? cursor.integer(name)
      if let value, cursor.sees(",") || cursor.sees("}") { return .integer(value) }
      cursor = mark
    }
    return .number(try cursor.number("the value of \(name)"))
  }

  mutating func initializer() throws(Diagnostic) -> Initializer {
    cursor.skipSpaces()
    let start = cursor.position
    let name = try cursor.name("an initializer")
    switch name {
    case "zeros": return .zeros
    case "ones": return .ones
    case "constant": return .constant(try parenthesizedNumber())
    case "normal": return .normal(try parenthesizedNumber())
    case "uniform": return .uniform(try parenthesizedNumber())
    case "kaimingNormal": return .kaimingNormal(fanIn: try fanIn())
    case "kaimingUniform": return .kaimingUniform(fanIn: try fanIn())
    case "xavierNormal":
      let fans = try fanInAndOut()
      return .xavierNormal(fanIn: fans.in, fanOut: fans.out)
    case "xavierUniform":
      let fans = try fanInAndOut()
      return .xavierUniform(fanIn: fans.in, fanOut: fans.out)
    case _: throw cursor.failure("unknown initializer \(name)", at: start)
    }
  }

  private mutating func parenthesizedNumber() throws(Diagnostic) -> Double {
    try cursor.expect("(")
    let value = try cursor.number("a number")
    try cursor.expect(")")
    return value
  }

  private mutating func fanIn() throws(Diagnostic) -> Int {
    try cursor.expect("(")
    let fanIn = try namedInteger("fanIn")
    try cursor.expect(")")
    return fanIn
  }

  private mutating func fanInAndOut() throws(Diagnostic) -> (in: Int, out: Int) {
    try cursor.expect("(")
    let fanIn = try namedInteger("fanIn")
    try cursor.expect(",")
    let fanOut = try namedInteger("fanOut")
    try cursor.expect(")")
    return (fanIn, fanOut)
  }

  /// A word and a whole number: `stream 3`.
  mutating func namedInteger(_ word: String) throws(Diagnostic) -> Int {
    try cursor.expectWord(word)
    return try cursor.integer("the value of \(word)")
  }

  /// A word and a number: `rate 0.1`.
  mutating func namedNumber(_ word: String) throws(Diagnostic) -> Double {
    try cursor.expectWord(word)
    return try cursor.number("the value of \(word)")
  }
}
