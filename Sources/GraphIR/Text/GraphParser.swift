extension Graph {
  /// Reads what `text` writes; `#` begins a comment.
  ///
  /// Types are inferred anew and must be those written. Throws the first error, with its line and
  /// column in the text; `file` is how the text is called there.
  public init(parsing text: String, file: String = "graph") throws(Diagnostic) {
    var parser = GraphParser(Cursor(text, file: file))
    self = try parser.graph()
  }
}

/// A parser by recursive descent, one function for each rule of the text form.
struct GraphParser {
  var cursor: Cursor

  /// The axis symbols declared so far, by the names under which the text has them.
  var symbols: [String: Axis.Symbol] = [:]

  /// The use of `layers` that was read last, for the nodes that lie in it too.
  private var lastLayer: LayerPath?

  init(_ cursor: Cursor) { self.cursor = cursor }

  mutating func graph() throws(Diagnostic) -> Graph {
    var graph = try header()
    var phase = Phase.forward
    while cursor.skipEmptyLines() {
      if cursor.sees("%") {
        try node(&graph, phase)
      } else {
        try section(&graph, &phase)
      }
      try cursor.expectEndOfLine()
    }
    return graph
  }

  /// `forward`, `backward` or `return …`.
  private mutating func section(_ graph: inout Graph, _ phase: inout Phase) throws(Diagnostic) {
    let start = cursor.position
    let word = try cursor.name("a node, a phase or return")
    if let next = Phase(rawValue: word) {
      phase = next
    } else if word == "return" {
      graph.outputs.append(try binding(graph))
    } else {
      throw cursor.failure("unknown line: \(word)", at: start)
    }
  }

  /// `loss %41`.
  private mutating func binding(_ graph: Graph) throws(Diagnostic) -> Graph.OutputBinding {
    let output = try output()
    return .init(output, try value(of: graph))
  }

  /// `loss`, `gradient "token.weight"`.
  mutating func output() throws(Diagnostic) -> Output {
    cursor.skipSpaces()
    let start = cursor.position
    switch try cursor.name("an output") {
    case "logits": return .logits
    case "loss": return .loss
    case "objective": return .objective
    case "term":
      let name = try cursor.string("a term's name")
      return .term(name: name, weight: try namedNumber("weight"))
    case "gradient": return .gradient(parameter: try cursor.string("a parameter's name"))
    case "state": return .state(try cursor.string("a state's name"))
    case let other: throw cursor.failure("unknown output \(other)", at: start)
    }
  }
}

// The header.
extension GraphParser {
  private mutating func header() throws(Diagnostic) -> Graph {
    let name = try line("graph") { parser throws(Diagnostic) in
      try parser.cursor.string("the graph's name")
    }
    while try declaration() {}
    let batch = try line("batch") { parser throws(Diagnostic) in try parser.axis() }
    let context = try line("context") { parser throws(Diagnostic) in try parser.axis() }
    let vocabulary = try line("vocabulary") { parser throws(Diagnostic) in
      let axis = try parser.axis()
      let location = parser.cursor.accept("@") ? try parser.location() : nil
      return (axis: axis, location: location)
    }
    let optimizer = try line("optimizer") { parser throws(Diagnostic) in try parser.optimizer() }
    var graph = Graph(
      name: name, vocabulary: vocabulary.axis, context: context, batch: batch,
      optimizer: optimizer)
    graph.vocabularyLocation = vocabulary.location
    while let setting = try setting() { graph.settings.append(setting) }
    return graph
  }

  /// A line that begins with a word.
  private mutating func line<Content>(
    _ word: String, _ content: (inout GraphParser) throws(Diagnostic) -> Content
  ) throws(Diagnostic) -> Content {
    _ = cursor.skipEmptyLines()
    try cursor.expectWord(word)
    let result = try content(&self)
    try cursor.expectEndOfLine()
    return result
  }

  /// `axis C 128`; false if the line is another.
  private mutating func declaration() throws(Diagnostic) -> Bool {
    _ = cursor.skipEmptyLines()
    guard cursor.sees("axis ") else { return false }
    try cursor.expectWord("axis")
    cursor.skipSpaces()
    let start = cursor.position
    let name = try cursor.name("an axis name")
    let size = try cursor.integer("the size of axis \(name)")
    guard size > 0 else { throw cursor.failure("axis \(name) has size 0", at: start) }
    guard symbols.updateValue(.init(name: name, size: size), forKey: name) == nil else {
      throw cursor.failure("axis \(name) is declared twice", at: start)
    }
    try cursor.expectEndOfLine()
    return true
  }

  private mutating func optimizer() throws(Diagnostic) -> Optimizer {
    try cursor.expectWord("adamW")
    return .adamW(
      learningRate: try namedNumber("learningRate"), beta1: try namedNumber("beta1"),
      beta2: try namedNumber("beta2"), epsilon: try namedNumber("epsilon"),
      weightDecay: try namedNumber("weightDecay"))
  }

  /// `makemoe.swift:17:20`, or the file in quotes.
  mutating func location() throws(Diagnostic) -> SourceLocation {
    let file = cursor.sees("\"") ? try cursor.string("a file") : cursor.path()
    try cursor.expect(":")
    let line = try cursor.integer("a line")
    try cursor.expect(":")
    return SourceLocation(file: file, line: line, column: try cursor.integer("a column"))
  }
}

// Nodes.
extension GraphParser {
  /// `%5 = linear(%2, %3, %4) {bias} : f32[B, T, V] @ "head" m.swift:45:40`.
  private mutating func node(_ graph: inout Graph, _ phase: Phase) throws(Diagnostic) {
    let start = cursor.position
    try number(of: graph.nodes.count)
    let kind = try kind()
    let inputs = try inputs(of: graph)
    let attributes = try attributes()
    try cursor.expect(":")
    let typesStart = cursor.position
    var node = Node(
      op: try mended(at: start) { () throws(Mismatch) in try kind.make(attributes) },
      inputs: inputs, types: try types(), phase: phase)
    let inferred = try mended(at: start) { () throws(Mismatch) in
      try node.op.operation.infer(inputs.map(graph.type(of:)))
    }
    guard inferred == node.types else {
      let list = inferred.map(\.description).joined(separator: ", ")
      throw cursor.failure("the types of \(kind.rawValue) must be \(list)", at: typesStart + 1)
    }
    try origin(of: &node)
    graph.nodes.append(node)
  }

  /// The layer, scope and place of a node, if they are written.
  mutating func origin(of node: inout Node) throws(Diagnostic) {
    guard cursor.accept("@") else { return }
    if !cursor.sees("\"") { node.layer = try layer() }
    node.scope = try cursor.string("the scope")
    if let layer = node.layer {
      node.scope = layer.scope + (node.scope.isEmpty ? "" : ".\(node.scope)")
    }
    if cursor.sees("\"") || cursor.seesPath { node.location = try location() }
  }

  /// `decoder.block[3]`, which ends with a number.
  private mutating func layer() throws(Diagnostic) -> LayerPath {
    cursor.skipSpaces()
    let start = cursor.position
    var parts: [LayerPath.Part] = []
    repeat {
      let name = try cursor.name("a layer or the scope in quotes")
      var part = LayerPath.Part(name)
      if cursor.accept("[") {
        part.index = try cursor.integer("a layer's number")
        try cursor.expect("]")
      }
      parts.append(part)
    } while cursor.accept(".")
    if let lastLayer, lastLayer.parts == parts { return lastLayer }
    guard parts.last?.index != nil, let path = LayerPath(parts) else {
      throw cursor.failure("a layer's path ends with its number, as in block[3]", at: start)
    }
    lastLayer = path
    return path
  }

  /// `%5 =`; nodes are numbered from 0 without gaps.
  private mutating func number(of expected: Int) throws(Diagnostic) {
    let start = cursor.position
    try cursor.expect("%")
    guard try cursor.integer("a node's number") == expected else {
      throw cursor.failure("expected node %\(expected)", at: start)
    }
    try cursor.expect("=")
  }

  mutating func kind() throws(Diagnostic) -> OpKind {
    cursor.skipSpaces()
    let start = cursor.position
    let name = try cursor.name("an op")
    guard let kind = OpKind(rawValue: name) else {
      throw cursor.failure("unknown op \(name)", at: start)
    }
    return kind
  }

  private mutating func inputs(of graph: Graph) throws(Diagnostic) -> [Value] {
    guard cursor.accept("(") else { return [] }
    var inputs: [Value] = []
    repeat { inputs.append(try value(of: graph)) } while cursor.accept(",")
    try cursor.expect(")")
    return inputs
  }

  /// `%5` or `%5.1`, a result of an earlier node.
  private mutating func value(of graph: Graph) throws(Diagnostic) -> Value {
    cursor.skipSpaces()
    let start = cursor.position
    let value = try value()
    guard value.node < graph.nodes.count, value.result < graph.nodes[value.node].types.count
    else { throw cursor.failure("\(value) is no value of an earlier node", at: start) }
    return value
  }

  /// `%5` or `%5.1`.
  mutating func value() throws(Diagnostic) -> Value {
    try cursor.expect("%")
    let node = try cursor.integer("a node's number")
    let result = cursor.accept(".") ? try cursor.integer("a result's number") : 0
    return Value(node: node, result: result)
  }

  /// Gives a mismatch its place in the text.
  func mended<Result>(
    at start: Int, _ body: () throws(Mismatch) -> Result
  ) throws(Diagnostic) -> Result {
    do {
      return try body()
    } catch {
      throw cursor.failure(error.message, hint: error.hint, at: start)
    }
  }
}
