/// A chat template in the part of Jinja that language models' templates have in common: texts, `{{ }}`, `for`,
/// `if`, `set`, with `namespace`, tests, filters and methods of texts, and `generation`, which marks answers.
public struct ChatTemplate: Sendable {
  /// What somebody said.
  public struct Message: Equatable, Sendable {
    public var role: String
    public var content: String

    public init(role: String, content: String) {
      self.role = role
      self.content = content
    }
  }

  indirect enum Node: Sendable {
    case text(String)
    case write(TemplateExpression, line: Int)
    case set(String, member: String?, TemplateExpression, line: Int)
    case choice([(condition: TemplateExpression?, body: [Node])], line: Int)
    case loop([String], TemplateExpression, condition: TemplateExpression?, body: [Node], line: Int)
    /// What the model is to write, between `generation` and `endgeneration`.
    case generation(body: [Node])
  }

  let nodes: [Node]

  /// Errors: what the template has and this does not.
  public init(_ text: String) throws(TemplateError) {
    guard text.utf8.count <= Self.longest else {
      throw .malformed(line: 1, reason: "it is longer than \(Self.longest) bytes")
    }
    // A line's end at the very end is the file's, not the text's.
    let text = text.hasSuffix("\n") ? String(text.dropLast()) : text
    var parser = TemplateParser(try TemplatePiece.pieces(of: text))
    nodes = try parser.whole()
  }

  private static let longest = 1 << 18

  /// The prompt after which the model answers; `facts` are texts such as `bos_token`.
  ///
  /// Errors: what the template asks for and this does not do; what the template refuses.
  public func prompt(
    _ messages: [Message], facts: [String: String] = [:], answers: Bool = true
  ) throws(TemplateError) -> String {
    try rendered(messages, facts: facts, answers: answers).text
  }

  /// The text of messages, and which bytes of its UTF-8 the template marks as the model's own, by
  /// `{% generation %}`. Errors: as those of `prompt`.
  public func rendered(
    _ messages: [Message], facts: [String: String] = [:], answers: Bool
  ) throws(TemplateError) -> (text: String, generated: [Range<Int>]) {
    var evaluator = TemplateEvaluator()
    evaluator.names["messages"] = .list(
      messages.map { .object(["role": .text($0.role), "content": .text($0.content)]) })
    evaluator.names["add_generation_prompt"] = .bool(answers)
    for (name, text) in facts { evaluator.names[name] = .text(text) }
    try evaluator.run(nodes)
    return (evaluator.text, evaluator.generated)
  }

  /// Whether it marks what the model is to write.
  public var marksGeneration: Bool { Self.marksGeneration(nodes) }

  private static func marksGeneration(_ nodes: [Node]) -> Bool {
    nodes.contains { node in
      switch node {
      case .generation: true
      case .choice(let branches, _): branches.contains { marksGeneration($0.body) }
      case .loop(_, _, _, let body, _): marksGeneration(body)
      case .text, .write, .set: false
      }
    }
  }
}

/// Puts pieces together to nodes.
struct TemplateParser {
  private var pieces: ArraySlice<TemplatePiece>
  private var depth = 0

  init(_ pieces: [TemplatePiece]) { self.pieces = pieces[...] }

  mutating func whole() throws(TemplateError) -> [ChatTemplate.Node] {
    let (nodes, end) = try body(until: [])
    if let end { throw .malformed(line: end.line, reason: "\(end.word) has no beginning") }
    return nodes
  }

  private typealias End = (word: String, rest: TemplateExpressionParser, line: Int)

  /// Nodes up to a tag with one of the words.
  private mutating func body(
    until ends: [String]
  ) throws(TemplateError) -> ([ChatTemplate.Node], End?) {
    depth += 1
    defer { depth -= 1 }
    var nodes: [ChatTemplate.Node] = []
    while let piece = pieces.popFirst() {
      if depth > 32 {
        throw .malformed(line: piece.line, reason: "tags lie too deep in one another")
      }
      switch piece.kind {
      case .text: nodes.append(.text(piece.content))
      case .expression:
        var parser = try TemplateExpressionParser(piece.content, line: piece.line)
        nodes.append(.write(try parser.expression(), line: piece.line))
        if !parser.isAtEnd { throw parser.fail("something is left of an expression") }
      case .tag:
        var parser = try TemplateExpressionParser(piece.content, line: piece.line)
        let word = try parser.name()
        if ["endif", "endfor", "else", "elif", "endgeneration"].contains(word) {
          guard ends.contains(word) else {
            throw .malformed(line: piece.line, reason: "\(word) is not expected here")
          }
          return (nodes, (word, parser, piece.line))
        }
        nodes.append(try statement(word, &parser, piece.line))
      }
    }
    if !ends.isEmpty { throw .malformed(line: 1, reason: "\(ends[0]) is missing at the end") }
    return (nodes, nil)
  }

  private mutating func statement(
    _ word: String, _ parser: inout TemplateExpressionParser, _ line: Int
  ) throws(TemplateError) -> ChatTemplate.Node {
    switch word {
    case "if": return try choice(try parser.expression(), line)
    case "for": return try loop(&parser, line)
    case "set":
      let name = try parser.name()
      let member = parser.accept(".") ? try parser.name() : nil
      try parser.expect("=")
      return .set(name, member: member, try parser.expression(), line: line)
    case "generation": return .generation(body: try body(until: ["endgeneration"]).0)
    case _:
      throw .malformed(
        line: line, reason: "the tag \(word) is none of for, if, set and generation")
    }
  }

  private mutating func choice(
    _ first: TemplateExpression, _ line: Int
  ) throws(TemplateError) -> ChatTemplate.Node {
    var branches: [(condition: TemplateExpression?, body: [ChatTemplate.Node])] = []
    var condition: TemplateExpression? = first
    while true {
      let (nodes, end) = try body(until: condition == nil ? ["endif"] : ["endif", "elif", "else"])
      branches.append((condition, nodes))
      guard var end, end.word != "endif" else { return .choice(branches, line: line) }
      condition = end.word == "elif" ? try end.rest.expression() : nil
    }
  }

  private mutating func loop(
    _ parser: inout TemplateExpressionParser, _ line: Int
  ) throws(TemplateError) -> ChatTemplate.Node {
    var names = [try parser.name()]
    while parser.accept(",") { names.append(try parser.name()) }
    guard parser.acceptName("in") else { throw parser.fail("in is expected") }
    let list = try parser.expressionWithoutChoice()
    let condition = parser.acceptName("if") ? try parser.expression() : nil
    let (nodes, _) = try body(until: ["endfor"])
    return .loop(names, list, condition: condition, body: nodes, line: line)
  }
}
