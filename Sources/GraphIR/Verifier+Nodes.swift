extension Verifier {
  /// Order, attributes, types and places of all nodes.
  static func checkNodes(_ graph: Graph) throws(Diagnostic) {
    var axes = AxisChecker()
    for axis in [graph.batch, graph.context, graph.vocabulary] { try? axes.check(axis) }
    try forEachNode(of: graph) { index, node throws(Mismatch) in
      try checkPrintable("scope", node.scope)
      try checkLayer(of: node)
      if let location = node.location { try checkPrintable("file", location.file) }
      try checkInputs(of: node, at: index, in: graph)
      for entry in node.op.operation.attributes.entries { try check(entry, &axes) }
      try checkTypes(of: node, in: graph)
      for type in node.types { try axes.check(type) }
      if case .input(let input) = node.op { try check(input, in: graph) }
    }
  }

  /// The scope of a layer's node begins with the layer's; what the path holds can be read back.
  private static func checkLayer(of node: Node) throws(Mismatch) {
    guard let layer = node.layer else { return }
    for part in layer.parts {
      guard let first = part.name.utf8.first, first.beginsName,
        part.name.utf8.allSatisfy(\.continuesName),
        (0...AxisChecker.bound).contains(part.index ?? 0)
      else { throw Mismatch("layer \(layer.description.quoted) has a part that is no name") }
    }
    guard node.scope == layer.scope || node.scope.hasPrefix(layer.scope + ".") else {
      throw Mismatch("scope \(node.scope.quoted) does not begin with that of layer \(layer)")
    }
  }

  private static func checkInputs(
    of node: Node, at index: Int, in graph: Graph
  ) throws(Mismatch) {
    for input in node.inputs {
      guard graph.nodes.indices.contains(input.node),
        graph.nodes[input.node].types.indices.contains(input.result)
      else { throw Mismatch("input \(input) does not exist") }
      guard input.node < index else {
        throw Mismatch("input \(input) is not a result of an earlier node")
      }
    }
  }

  private static func checkTypes(of node: Node, in graph: Graph) throws(Mismatch) {
    let inferred = try node.op.operation.infer(node.inputs.map(graph.type(of:)))
    guard inferred == node.types else {
      let (expected, given) = (list(inferred), list(node.types))
      throw Mismatch("types are \(given), but the inputs make \(expected)")
    }
  }

  private static func list(_ types: [TensorType]) -> String {
    types.map(\.description).joined(separator: ", ")
  }

  private static func check(_ input: Input, in graph: Graph) throws(Mismatch) {
    let expected =
      switch input.kind {
      case .tokens, .targets, .beginnings: [graph.batch, graph.context]
      case .positions: [graph.context]
      }
    guard input.axes == expected else {
      let (wanted, given) = (TensorType(.i32, expected), TensorType(.i32, input.axes))
      throw Mismatch("\(input.kind.rawValue) must be \(wanted), not \(given)")
    }
  }

  static func checkPhases(_ graph: Graph) throws(Diagnostic) {
    try forEachNode(of: graph) { _, node throws(Mismatch) in
      guard node.phase == .forward else { return }
      for input in node.inputs where graph.nodes[input.node].phase == .backward {
        throw Mismatch("forward reads \(input) of the backward phase")
      }
    }
  }
}

// Attributes.
extension Verifier {
  private static func check(
    _ entry: Attributes.Entry, _ axes: inout AxisChecker
  ) throws(Mismatch) {
    switch entry.content {
    case .flag: break
    case .integer(let value):
      guard (0...AxisChecker.bound).contains(value) else {
        throw Mismatch("\(entry.name) cannot be \(value)")
      }
    case .number(let value): try checkNumber(entry.name, value)
    case .string(let text): try checkPrintable(entry.name, text)
    case .axes(let list): for axis in list { try axes.check(axis) }
    case .expression(let expression): try check(expression)
    case .initializer(let initializer): try check(initializer)
    }
  }

  /// A rate is a probability below 1; a capacity or epsilon is not negative.
  private static func checkNumber(_ name: String, _ value: Double) throws(Mismatch) {
    guard value.isFinite else { throw Mismatch("\(name) cannot be \(value)") }
    if name == "rate" { try checkRate(value) }
    guard value >= 0 || name == "scale" else { throw Mismatch("\(name) cannot be \(value)") }
  }

  private static func checkRate(_ rate: Double) throws(Mismatch) {
    guard (0..<1).contains(rate) else {
      throw Mismatch("dropout's rate \(rate) is not in 0 ..< 1")
    }
  }

  private static func check(_ expression: ScalarExpression) throws(Mismatch) {
    try checkDepth(of: expression, 1)
  }

  /// Descends no deeper than allowed, checking the leaves it meets.
  private static func checkDepth(
    of expression: ScalarExpression, _ depth: Int
  ) throws(Mismatch) {
    guard depth <= ScalarExpression.largestDepth else {
      throw Mismatch(
        "the expression nests more than \(ScalarExpression.largestDepth) functions")
    }
    switch expression {
    case .input(let index):
      guard index >= 0 else { throw Mismatch("the expression reads input \(index)") }
    case .constant(let value):
      guard value.isFinite else { throw Mismatch("a constant cannot be \(value)") }
    case .normal(let stream): try checkStream(stream)
    case .keep(let stream, let rate):
      try checkStream(stream)
      try checkRate(rate)
    case .unary(_, let a): try checkDepth(of: a, depth + 1)
    case .binary(_, let a, let b):
      try checkDepth(of: a, depth + 1)
      try checkDepth(of: b, depth + 1)
    }
  }

  private static func checkStream(_ stream: Int) throws(Mismatch) {
    guard (0...AxisChecker.bound).contains(stream) else {
      throw Mismatch("a random stream cannot have the number \(stream)")
    }
  }

  private static func check(_ initializer: Initializer) throws(Mismatch) {
    let isRight =
      switch initializer {
      case .zeros, .ones: true
      case .constant(let value): value.isFinite
      case .normal(let size), .uniform(let size): size >= 0 && size.isFinite
      case .kaimingNormal(let fanIn), .kaimingUniform(let fanIn): isFan(fanIn)
      case .xavierNormal(let fanIn, let fanOut), .xavierUniform(let fanIn, let fanOut):
        isFan(fanIn) && isFan(fanOut)
      }
    guard isRight else { throw Mismatch("a parameter cannot be initialized by \(initializer)") }
  }

  private static func isFan(_ fan: Int) -> Bool { (1...AxisChecker.bound).contains(fan) }
}
