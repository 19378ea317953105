import GraphIR
import Lowering

extension Plan {
  /// Reads what `text` writes; `#` begins a comment.
  ///
  /// - Parameter graph: the graph that was planned, which tells of its parameters and gives the plan
  ///   its name.
  /// - Throws: the first thing that cannot be read, with its line and column in the text.
  public init(
    parsing text: String, of graph: Graph, file: String = "plan"
  ) throws(Diagnostic) {
    var parser = PlanParser(TextReader(text, file: file), graph)
    self = try parser.plan()
  }
}

/// A parser by recursive descent, one function for each part of the text.
struct PlanParser {
  var reader: TextReader
  private let graph: Graph

  /// Types of what a pass is given.
  private(set) var sources: [Input.Kind: TensorType] = [:]

  init(_ reader: TextReader, _ graph: Graph) {
    self.reader = reader
    self.graph = graph
  }

  mutating func plan() throws(Diagnostic) -> Plan {
    let name = try line("plan of") { (r) throws(Diagnostic) in try r.string("the plan's name") }
    guard name == graph.name else { throw reader.failure("the plan is of another model") }
    let (sequences, positions) = try axes()
    sources = [
      .tokens: .i32(sequences, positions), .targets: .i32(sequences, positions),
      .positions: .i32(positions),
    ]
    let options = try options()
    let memory = try memory()
    let regions = try regions()
    let names = try parameterNames()
    let uses = try drafts()
    let edges = try edges()
    var layers: [Layer] = []
    while reader.nextLine() { layers.append(try layer()) }
    var plan = Plan(
      graph: graph, sequences: sequences, positions: positions, parameters: [], layers: layers,
      uses: try uses.map { (use) throws(Diagnostic) in try self.use(use, layers) }, edges: edges,
      memory: memory, regions: regions, accumulates: options.accumulates,
      recomputation: options.recomputation, notes: options.notes)
    plan.countInstances()
    plan.parameters = try parameters(of: plan, names)
    return plan
  }
}

// Lines.
extension PlanParser {
  /// A line that begins with some words.
  private mutating func line<Content>(
    _ words: String, _ content: (inout TextReader) throws(Diagnostic) -> Content
  ) throws(Diagnostic) -> Content {
    _ = reader.nextLine()
    try reader.expect(words)
    let result = try content(&reader)
    try reader.endOfLine()
    return result
  }

  private mutating func heading(_ words: String) throws(Diagnostic) {
    try line(words) { (_) throws(Diagnostic) in }
  }

  /// Words and a whole number after each.
  private mutating func numbers(_ words: [String]) throws(Diagnostic) -> [Int] {
    var numbers: [Int] = []
    for word in words {
      _ = reader.nextLine()
      try reader.expect(word)
      numbers.append(try reader.integer("the number of \(word)"))
      _ = reader.accept(",")
    }
    try reader.endOfLine()
    return numbers
  }
}

// The header, memory and what passes between layers.
extension PlanParser {
  private mutating func axes() throws(Diagnostic) -> (Axis, Axis) {
    let sequences = try line("sequences") { (r) throws(Diagnostic) in try r.passAxis(.sequences) }
    let positions = try line("positions") { (r) throws(Diagnostic) in try r.passAxis(.positions) }
    let marks = AxisMarks(sequences: sequences, positions: positions)
    while reader.nextLine(), reader.sees("axis ") {
      try line("axis") { (r) throws(Diagnostic) in try r.declareAxis(marks) }
    }
    return (sequences, positions)
  }

  private struct Options {
    var accumulates = false
    var recomputation: Recomputation?
    var notes: [Diagnostic] = []
  }

  private mutating func options() throws(Diagnostic) -> Options {
    var options = Options()
    options.accumulates = try line("options") { (r) throws(Diagnostic) in
      r.acceptWord("accumulates")
    }
    if reader.nextLine(), reader.sees("recomputed ") {
      options.recomputation = try line("recomputed") { (r) throws(Diagnostic) in
        try r.recomputation()
      }
    }
    while reader.nextLine(), reader.sees("note ") {
      let note = try line("note") { (r) throws(Diagnostic) in
        let message = try r.string("the note")
        let hint = r.acceptWord("hint") ? try r.string("the hint") : nil
        return Diagnostic(at: r.accept("@") ? try r.location() : nil, message, hint: hint)
      }
      options.notes.append(note)
    }
    return options
  }

  private mutating func memory() throws(Diagnostic) -> Memory {
    try heading("memory, in bytes")
    let n = try numbers(["parameters", "gradients", "optimizer", "saved", "scratch", "total"])
    return Memory(parameters: n[0], gradients: n[1], optimizer: n[2], saved: n[3], scratch: n[4])
  }

  private mutating func regions() throws(Diagnostic) -> Regions {
    try heading("regions, in bytes from the start of the arena")
    let n = try numbers([
      "values", "gradients", "first moments", "second moments", "steps", "saved",
      "gradients between layers", "scratch", "tokens", "targets", "positions", "sums", "end",
    ])
    return Regions(
      values: n[0], gradients: n[1], firstMoments: n[2], secondMoments: n[3], steps: n[4],
      saved: n[5], edgeGradients: n[6], scratch: n[7], tokens: n[8], targets: n[9],
      positions: n[10], sums: n[11], total: n[12])
  }

  private mutating func parameterNames() throws(Diagnostic) -> [(name: String, offset: Int)] {
    try heading("parameters")
    var names: [(String, Int)] = []
    while reader.nextLine(), reader.sees("\"") {
      let name = try reader.string("a parameter's name")
      try reader.expectWord("at")
      names.append((name, try reader.integer("its place")))
      try reader.endOfLine()
    }
    return names
  }

  private mutating func edges() throws(Diagnostic) -> [Edge] {
    try heading("between layers")
    var edges: [Edge] = []
    while reader.nextLine(), reader.seesDigit {
      guard try reader.integer("an edge's number") == edges.count else {
        throw reader.failure("expected edge \(edges.count)")
      }
      let (name, type) = (try reader.token(), try reader.type())
      let role: Edge.Role = reader.acceptWord("saved") ? .activation : .gradient
      if role == .gradient { try reader.expectWord("scratch") }
      var edge = Edge(name: name, type: type, role: role, offset: try reader.placement())
      while reader.acceptWord("is") { edge.outputs.append(try reader.output()) }
      edges.append(edge)
      try reader.endOfLine()
    }
    return edges
  }
}

// Uses.
extension PlanParser {
  /// A use with the name of its layer, whose number is not known yet.
  private typealias Draft = (use: LayerUse, layer: String)

  private mutating func drafts() throws(Diagnostic) -> [Draft] {
    try heading("uses, in forward order")
    var drafts: [Draft] = []
    while reader.nextLine(), reader.sees("\"") { drafts.append(try draft()) }
    return drafts
  }

  private mutating func draft() throws(Diagnostic) -> Draft {
    let scope = try reader.string("the use's scope")
    try reader.expect(":")
    let layer = try reader.token()
    try reader.expect(", parameters from")
    var use = LayerUse(
      layer: 0, instance: 0, scope: scope, firstParameter: try reader.integer("a parameter"),
      borrowed: [], firstStream: 0, forwardEdges: [], backwardEdges: [], forwardNodes: [],
      backwardNodes: [], savedOffset: 0)
    if reader.acceptWord("and") { use.borrowed = try reader.integers() }
    try reader.expect(", streams from")
    use.firstStream = try reader.integer("a stream")
    try reader.expect(", saved at")
    use.savedOffset = try reader.integer("its place")
    try reader.endOfLine()
    (use.forwardEdges, use.forwardNodes) = try line("forward with") { (r) throws(Diagnostic) in
      try r.edgesAndNodes()
    }
    (use.backwardEdges, use.backwardNodes) = try line("backward with") { (r) throws(Diagnostic) in
      try r.edgesAndNodes()
    }
    return (use, layer)
  }

  private func use(_ draft: Draft, _ layers: [Layer]) throws(Diagnostic) -> LayerUse {
    guard let layer = layers.firstIndex(where: { $0.name == draft.layer }) else {
      throw reader.failure("there is no layer \(draft.layer)")
    }
    var use = draft.use
    use.layer = layer
    return use
  }

  /// What the optimizer must know follows from the layers, but for the graph's own.
  private func parameters(
    of plan: Plan, _ names: [(name: String, offset: Int)]
  ) throws(Diagnostic) -> [PlannedParameter] {
    var found: [PlannedParameter] = []
    var steps = 0
    let numbers = graph.parameterNumbers
    let known = Dictionary(
      graph.parameters.map {
        ($0.parameter.name, (number: numbers[$0.node] ?? 0, op: $0.parameter))
      }, uniquingKeysWith: { first, _ in first })
    for parameter in plan.uses.flatMap({ plan.layers[$0.layer].parameters }) {
      guard found.count < names.count, let (number, op) = known[names[found.count].name] else {
        throw reader.failure("the plan has not the graph's parameters")
      }
      let stepCount = parameter.start == nil ? 1 : parameter.type.axes[0].size
      found.append(
        PlannedParameter(
          name: op.name, number: number, type: parameter.type, initializer: op.initializer,
          decays: op.decays, isState: op.isState, layout: parameter.layout,
          offset: names[found.count].offset,
          hasGradient: parameter.hasGradient,
          isUpdatedInBackward: parameter.isUpdatedInBackward, role: parameter.role,
          stepCount: stepCount, stepOffset: steps))
      steps += stepCount
    }
    return found
  }
}

extension Plan {
  /// Which of its layer's uses each one is.
  fileprivate mutating func countInstances() {
    var counts = layers.map { _ in 0 }
    for index in uses.indices {
      uses[index].instance = counts[uses[index].layer]
      counts[uses[index].layer] += 1
    }
  }
}
