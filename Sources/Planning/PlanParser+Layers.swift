import GraphIR
import Lowering

// Layers: parameters, buffers, calls.
extension PlanParser {
  mutating func layer() throws(Diagnostic) -> Layer {
    try reader.expectWord("layer")
    var layer = Layer(
      name: try reader.token(), location: reader.accept("@") ? try reader.location() : nil)
    try reader.endOfLine()
    _ = reader.nextLine()
    try reader.expectWord("streams")
    layer.streamCount = try reader.integer("how many streams")
    var starts: [(parameter: Int, isSaved: Bool, name: String)] = []
    while reader.nextLine() {
      if reader.acceptWord("parameter") {
        let (parameter, start) = try reader.parameter()
        if let start { starts.append((layer.parameters.count, start.isSaved, start.name)) }
        layer.parameters.append(parameter)
      } else if reader.acceptWord("borrowed") {
        layer.borrowed.append(try reader.parameter().0)
      } else if reader.acceptWord("saved") {
        layer.saved.append(try reader.buffer(in: .saved))
      } else {
        break
      }
      try reader.endOfLine()
    }
    try function(.forward, &layer)
    try function(.backward, &layer)
    for (parameter, isSaved, name) in starts {
      layer.parameters[parameter].start =
        isSaved
        ? layer.saved.firstIndex { $0.name == name }.map { .saved($0) }
        : layer.forwardArguments.firstIndex { $0.name == name }.map { .argument($0) }
    }
    return layer
  }

  private mutating func function(_ phase: Phase, _ layer: inout Layer) throws(Diagnostic) {
    _ = reader.nextLine()
    try reader.expectWord(phase.rawValue)
    let arguments = try reader.arguments()
    var scratch: [Buffer] = []
    while reader.nextLine(), reader.acceptWord("scratch") {
      scratch.append(try reader.buffer(in: .scratch))
      try reader.endOfLine()
    }
    let places = PlaceNames(layer, arguments, scratch, sources)
    var (calls, runs): ([Call], [CallRun]) = ([], [])
    while reader.nextLine(), !reader.sees("backward("), !reader.sees("layer "),
      !reader.sees("exchanges ")
    {
      if let kind = CallRun.Kind.allCases.first(where: { reader.accept($0.rawValue) }) {
        runs.append(CallRun(calls: calls.count..<calls.count, kind: kind))
      } else {
        calls.append(try call(places))
        guard let last = runs.indices.last else { throw reader.failure("expected a run of calls") }
        runs[last].calls = runs[last].calls.lowerBound..<calls.count
      }
      try reader.endOfLine()
    }
    layer.set(phase, arguments, scratch, calls, runs)
  }

  private mutating func call(_ places: PlaceNames) throws(Diagnostic) -> Call {
    let kernel = try reader.call { (r) throws(Diagnostic) in try places.operand(&r) }
    var call = Call(kernel: kernel, scope: "", location: nil)
    if reader.accept("; then adamw"), case .gradient(let first) = kernel.result(.weights)?.place {
      call.updates = first..<first + kernel.results(.weights).count
    }
    for purpose in [Purpose.loss, .logits] where reader.accept("; \(purpose.rawValue)") {
      call.purpose = purpose
    }
    try reader.expect("; flops")
    let flops = try reader.integer("operations")
    call.cost = Cost(flops: flops, productFlops: try reader.integer("operations of products"))
    let origin = try reader.origin()
    (call.scope, call.location) = (origin.scope, origin.location)
    while reader.accept(",") { call.joined.append(try reader.origin()) }
    return call
  }
}

extension Layer {
  /// A layer that has nothing yet.
  fileprivate init(name: String, location: SourceLocation?) {
    self.init(
      name: name, location: location, parameters: [], borrowed: [], forwardArguments: [],
      backwardArguments: [], saved: [], forwardScratch: [], backwardScratch: [], forward: [],
      backward: [], forwardRuns: [], backwardRuns: [], streamCount: 0)
  }

  fileprivate mutating func set(
    _ phase: Phase, _ arguments: [Argument], _ scratch: [Buffer], _ calls: [Call],
    _ runs: [CallRun]
  ) {
    if phase == .forward {
      (forwardArguments, forwardScratch, forward, forwardRuns) = (arguments, scratch, calls, runs)
    } else {
      (backwardArguments, backwardScratch, backward, backwardRuns) = (
        arguments, scratch, calls, runs
      )
    }
  }
}

/// What the names in a function's calls stand for.
private struct PlaceNames {
  private var operands: [String: Operand] = [:]

  init(
    _ layer: Layer, _ arguments: [Argument], _ scratch: [Buffer],
    _ sources: [Input.Kind: TensorType]
  ) {
    func add(
      _ prefix: String, _ place: Place, _ name: String, _ type: TensorType,
      _ layout: Layout = .rowMajor, as shown: String? = nil
    ) {
      operands[prefix + name] = Operand(
        place: place, name: shown ?? name, type: type, layout: layout)
    }
    for (kind, type) in sources { add("pass.", .source(kind), kind.rawValue, type) }
    for (index, item) in layer.parameters.enumerated() {
      add("p.", .parameter(index), item.field, item.type, item.layout)
      let shown = Operand.gradientName(of: item)
      add("g.", .gradient(index), item.field, item.type, item.layout, as: shown)
    }
    for (index, item) in layer.borrowed.enumerated() {
      add("borrowed.", .borrowed(index), item.field, item.type, item.layout)
    }
    for (index, item) in layer.saved.enumerated() {
      add("s.", .saved(index), item.name, item.type, item.layout)
    }
    for (index, item) in scratch.enumerated() {
      add("t.", .scratch(index), item.name, item.type, item.layout)
    }
    for (index, item) in arguments.enumerated() {
      add("", .argument(index), item.name, item.type, item.layout)
    }
  }

  func operand(_ reader: inout TextReader) throws(Diagnostic) -> Operand {
    var name = try reader.token()
    if reader.accept(".") { name += "." + (try reader.token()) }
    guard var operand = operands[name] else { throw reader.failure("there is no \(name) here") }
    if reader.accept(":") { operand.type = try reader.type() }
    return operand
  }
}

extension TextReader {
  /// A name, in quotes if it is more than letters, digits and underscores.
  mutating func token() throws(Diagnostic) -> String {
    sees("\"") ? try string("a name") : try name("a name")
  }

  /// `at 4096, 64 bytes`.
  mutating func placement() throws(Diagnostic) -> (offset: Int, bytes: Int) {
    try expectWord("at")
    let offset = try integer("a place")
    try expect(",")
    let bytes = try integer("how many bytes")
    try expectWord("bytes")
    return (offset, bytes)
  }

  /// The same, of a storage that must have as many.
  mutating func place(_ storage: inout Storage) throws(Diagnostic) {
    let (offset, bytes) = try placement()
    guard bytes == storage.bytes else { throw failure("expected \(storage.bytes) bytes") }
    storage.offset = offset
  }

  /// The name of a region, if one stands here.
  mutating func region() -> Region? {
    // The longer of two that begin alike is looked for first.
    Region.allCases.sorted { $0.rawValue.count > $1.rawValue.count }
      .first { accept($0.rawValue) }
  }

  mutating func integers() throws(Diagnostic) -> [Int] {
    var list: [Int] = []
    while seesDigit { list.append(try integer("a number")) }
    return list
  }

  /// `0 2: nodes 5 6, 7, none`.
  mutating func edgesAndNodes() throws(Diagnostic) -> ([Int], [[Int]]) {
    let edges = try integers()
    try expect(": nodes")
    var nodes: [[Int]] = []
    if !seesDigit && !sees("none") { return (edges, nodes) }
    repeat { nodes.append(acceptWord("none") ? [] : try integers()) } while accept(",")
    return (edges, nodes)
  }

  /// A type of which all bytes can be counted.
  mutating func storedType() throws(Diagnostic) -> TensorType {
    let type = try type()
    var count = 1
    for size in type.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= Regions.most else { throw failure("the tensor is too large") }
      count = product
    }
    return type
  }

  mutating func buffer(in region: Region) throws(Diagnostic) -> Buffer {
    let (name, type) = (try token(), try storedType())
    let layout = accept(", in panels") ? ValueUses.panels(type) : .rowMajor
    var buffer = Buffer(name: name, type: type, layout: layout, in: region)
    try place(&buffer.storage)
    return buffer
  }

  /// A parameter, and the name of the buffer or argument that tells of its experts' rows.
  mutating func parameter() throws(Diagnostic) -> (
    LayerParameter, start: (isSaved: Bool, name: String)?
  ) {
    let (field, type) = (try token(), try storedType())
    guard let role = ParameterRole.allCases.first(where: { acceptWord($0.rawValue) }) else {
      throw failure("expected what the parameter is")
    }
    var parameter = LayerParameter(
      field: field, type: type, layout: .rowMajor, update: .adamW, role: role)
    if accept(", in panels") { parameter.layout = ValueUses.panels(type) }
    var start: (Bool, String)?
    if accept(", experts from") {
      let name = try token()
      start = accept(".") ? (true, try token()) : (false, name)
    }
    if accept(", state") { parameter.update = .rule }
    if accept(", without gradient") { parameter.update = .none }
    if accept(", updated in backward") { parameter.update = .adamWInBackward }
    return (parameter, start)
  }

  /// `(-> y f32[B, T, C], x f32[B, T, C])`.
  mutating func arguments() throws(Diagnostic) -> [Argument] {
    try expect("(")
    var arguments: [Argument] = []
    while !accept(")") {
      let isWritten = accept("->")
      var argument = Argument(name: try token(), type: try type(), isWritten: isWritten)
      if accept(", in panels") { argument.layout = ValueUses.panels(argument.type) }
      arguments.append(argument)
      if !sees(")") { try expect(",") }
    }
    try endOfLine()
    return arguments
  }
}
