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
      .positions: .i32(positions), .beginnings: .i32(sequences, positions),
    ]
    let options = try options()
    let memory = try memory()
    let regions = try regions()
    guard memory == Memory(regions) else {
      throw reader.failure("memory is not what the regions take")
    }
    let places = try parameterPlaces()
    let uses = try drafts()
    let edges = try edges()
    var layers: [Layer] = []
    while reader.nextLine(), !reader.sees("exchanges ") { layers.append(try layer()) }
    var plan = Plan(
      graph: graph, sequences: sequences, positions: positions, parameters: [], layers: layers,
      uses: try uses.map { (use) throws(Diagnostic) in try self.use(use, layers) }, edges: edges,
      regions: regions, accumulates: options.accumulates,
      recomputes: options.recomputes, recomputation: options.recomputation, notes: options.notes)
    plan.countInstances()
    try checkUses(of: plan)
    plan.parameters = try parameters(of: plan, places)
    if reader.nextLine() { try exchanges(of: plan) }
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

  mutating func heading(_ words: String) throws(Diagnostic) {
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
    var (accumulates, recomputes) = (false, false)
    var recomputation: Recomputation?
    var notes: [Diagnostic] = []
  }

  private mutating func options() throws(Diagnostic) -> Options {
    var options = Options()
    (options.accumulates, options.recomputes) = try line("options") { (r) throws(Diagnostic) in
      (r.acceptWord("accumulates"), r.acceptWord("recomputes"))
    }
    if reader.nextLine(), reader.sees("recomputed ") {
      options.recomputation = try line("recomputed") { (r) throws(Diagnostic) in
        try r.recomputation()
      }
    }
    while reader.nextLine(), reader.sees("note ") {
      options.notes.append(
        try line("note") { (r) throws(Diagnostic) in
          let message = try r.string("the note")
          let hint = r.acceptWord("hint") ? try r.string("the hint") : nil
          return Diagnostic(at: r.accept("@") ? try r.location() : nil, message, hint: hint)
        })
    }
    return options
  }

  private mutating func memory() throws(Diagnostic) -> Memory {
    try heading("memory, in bytes")
    let n = try numbers(["parameters", "gradients", "optimizer", "saved", "scratch", "total"])
    let memory = Memory(
      parameters: n[0], gradients: n[1], optimizer: n[2], saved: n[3], scratch: n[4])
    guard n.allSatisfy({ $0 <= Regions.most }), memory.total == n[5] else {
      throw reader.failure("memory is not the sum of its parts")
    }
    return memory
  }

  private mutating func regions() throws(Diagnostic) -> Regions {
    try heading("regions, in bytes from the start of the arena")
    var (starts, bytes): ([Region: Int], [Region: Int]) = ([:], [:])
    while reader.nextLine(), !reader.sees("parameters") {
      guard let region = reader.region() else { throw reader.failure("expected a region") }
      let (start, count) = try reader.placement()
      guard count <= Regions.most else { throw reader.failure("the region is too large") }
      (starts[region], bytes[region]) = (start, count)
      try reader.endOfLine()
    }
    let regions = Regions(bytes)
    guard starts.allSatisfy({ $0.value == regions[$0.key] }) else {
      throw reader.failure("the regions do not lie one behind the other")
    }
    return regions
  }

  /// What is kept of a parameter, and where from the start of each region.
  private typealias Kept = [Region: (element: Element, offset: Int)]
  private typealias Places = (name: String, isFrozen: Bool, storages: Kept)

  private mutating func parameterPlaces() throws(Diagnostic) -> [Places] {
    try heading("parameters")
    var places: [Places] = []
    while reader.nextLine(), reader.sees("\"") {
      let name = try reader.string("a parameter's name")
      var place: Places = (name, reader.acceptWord("frozen"), [:])
      repeat {
        guard let element = Element.allCases.first(where: { reader.acceptWord($0.rawValue) }) else {
          throw reader.failure("expected an element")
        }
        try reader.expectWord("at")
        let offset = try reader.integer("its place")
        try reader.expectWord("of")
        repeat {
          guard let region = reader.region() else { throw reader.failure("expected a region") }
          place.storages[region] = (element, offset)
        } while reader.accept(",")
      } while reader.accept(";")
      places.append(place)
      try reader.endOfLine()
    }
    return places
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

  /// Parameters lie use after use, and what a use is given is there.
  private func checkUses(of plan: Plan) throws(Diagnostic) {
    let count = plan.uses.reduce(0) { $0 + plan.layers[$1.layer].parameters.count }
    var first = 0
    for use in plan.uses {
      guard use.firstParameter == first else {
        throw reader.failure(
          "parameters of \(use.scope.quoted) begin with \(use.firstParameter), expected \(first)")
      }
      first += plan.layers[use.layer].parameters.count
      guard (use.forwardEdges + use.backwardEdges).allSatisfy(plan.edges.indices.contains),
        use.borrowed.allSatisfy((0..<count).contains)
      else {
        throw reader.failure("\(use.scope.quoted) is given what the plan does not have")
      }
    }
  }

  /// What the optimizer must know follows from the layers, but for the graph's own.
  private func parameters(
    of plan: Plan, _ places: [Places]
  ) throws(Diagnostic) -> [PlannedParameter] {
    var found: [PlannedParameter] = []
    let numbers = graph.parameterNumbers
    let known = Dictionary(
      graph.parameters.map {
        ($0.parameter.name, (number: numbers[$0.node] ?? 0, op: $0.parameter))
      }, uniquingKeysWith: { first, _ in first })
    for parameter in plan.uses.flatMap({ plan.layers[$0.layer].parameters }) {
      guard found.count < places.count, let (number, op) = known[places[found.count].name],
        places[found.count].isFrozen == op.isFrozen
      else {
        throw reader.failure("the plan has not the graph's parameters")
      }
      var planned = PlannedParameter(op, number: number, as: parameter)
      try place(&planned, places[found.count])
      found.append(planned)
    }
    return found
  }

  private func place(_ parameter: inout PlannedParameter, _ places: Places) throws(Diagnostic) {
    if places.storages[.working] != nil {
      parameter.working = Storage(parameter.type, parameter.layout, in: .working)
    }
    var left = places.storages
    try parameter.place { (storage) throws(Diagnostic) in
      guard let place = left.removeValue(forKey: storage.region) else {
        throw reader.failure("\(places.name) has no \(storage.region.rawValue)")
      }
      (storage.element, storage.offset) = place
    }
    guard left.isEmpty else { throw reader.failure("\(places.name) has more than it needs") }
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
