/// Reads what texts of programs and plans have in common with those of graphs.
///
/// Every function skips spaces first and stays on its line; none traps, whatever the text.
package struct TextReader {
  private var parser: GraphParser

  package init(_ text: String, file: String) {
    parser = GraphParser(Cursor(text, file: file))
  }

  /// Lets axes be written with a symbol from now on, under a name of the text's own.
  ///
  /// - Returns: false if the name is taken.
  package mutating func declare(_ name: String, _ symbol: Axis.Symbol) -> Bool {
    parser.symbols.updateValue(symbol, forKey: name) == nil
  }

  /// What is wrong, here.
  package func failure(_ message: String, hint: String? = nil) -> Diagnostic {
    parser.cursor.failure(message, hint: hint)
  }

  /// Gives a mismatch this place.
  package func mended<Result>(
    _ body: () throws(Mismatch) -> Result
  ) throws(Diagnostic) -> Result {
    try parser.mended(at: parser.cursor.position, body)
  }
}

// Lines and words.
extension TextReader {
  /// Moves to the next line that says something; false at the end of the text.
  package mutating func nextLine() -> Bool { parser.cursor.skipEmptyLines() }
  package mutating func endOfLine() throws(Diagnostic) { try parser.cursor.expectEndOfLine() }

  /// Whether the text goes on with these characters, and the same if they are taken.
  package mutating func sees(_ text: String) -> Bool { parser.cursor.sees(text) }
  package mutating func accept(_ text: String) -> Bool { parser.cursor.accept(text) }
  package mutating func expect(_ text: String) throws(Diagnostic) { try parser.cursor.expect(text) }

  /// Takes a whole word if it stands here.
  package mutating func acceptWord(_ word: String) -> Bool {
    let before = parser.cursor
    if parser.cursor.name() == word { return true }
    parser.cursor = before
    return false
  }

  package mutating func expectWord(_ word: String) throws(Diagnostic) {
    try parser.cursor.expectWord(word)
  }

  package mutating func name(_ what: String) throws(Diagnostic) -> String {
    try parser.cursor.name(what)
  }

  package mutating func axisName() throws(Diagnostic) -> String {
    guard let name = parser.cursor.axisName() else { throw parser.cursor.expected("an axis name") }
    return name
  }

  package mutating func string(_ what: String) throws(Diagnostic) -> String {
    try parser.cursor.string(what)
  }

  package mutating func integer(_ what: String) throws(Diagnostic) -> Int {
    try parser.cursor.wideInteger(what)
  }

  package var seesDigit: Bool {
    mutating get {
      parser.cursor.skipSpaces()
      return parser.cursor.seesDigit
    }
  }
}

// What graphs have too.
extension TextReader {
  package mutating func axis() throws(Diagnostic) -> Axis { try parser.axis() }
  package mutating func type() throws(Diagnostic) -> TensorType { try parser.type() }
  package mutating func expression() throws(Diagnostic) -> ScalarExpression {
    try parser.expression()
  }

  /// `%5` or `%5.1`.
  package mutating func value() throws(Diagnostic) -> Value {
    parser.cursor.skipSpaces()
    return try parser.value()
  }

  /// `loss`, `gradient "token.weight"`.
  package mutating func output() throws(Diagnostic) -> Output { try parser.output() }

  /// An op's name.
  package mutating func kind() throws(Diagnostic) -> OpKind { try parser.kind() }

  /// The op of a kind, its attributes in braces.
  package mutating func op(_ kind: OpKind) throws(Diagnostic) -> Op {
    let attributes = try parser.attributes()
    return try mended { () throws(Mismatch) in try kind.make(attributes) }
  }

  package mutating func location() throws(Diagnostic) -> SourceLocation { try parser.location() }

  /// `@ block[3] "mixture.up" makemoe.swift:30:7`; an empty scope if none stands here.
  package mutating func origin() throws(Diagnostic) -> Origin {
    var node = Node(op: .pointwise(Pointwise(.constant(0))), inputs: [], types: [])
    try parser.origin(of: &node)
    return Origin(node.scope, node.layer, node.location)
  }
}
