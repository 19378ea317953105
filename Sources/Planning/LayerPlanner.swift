import GraphIR
import Lowering

/// Plans the forward and backward functions of one section.
struct LayerPlanner {
  let uses: ValueUses
  var names: ValueNames
  let index: Int
  let section: Partition.Section

  var program: Program { uses.program }

  /// The parameters that this section owns, and those that it only reads.
  var owned: [Value] = []
  var borrowed: [Value] = []
  var layouts: [Value: Layout] { uses.layouts }

  var saved: [Buffer] = []
  var savedIndex: [Value: Int] = [:]
  var takenNames: Set<String> = []
  let firstStream: Int
  let streamCount: Int

  init(_ uses: ValueUses, _ names: ValueNames, section index: Int) {
    self.uses = uses
    self.names = names
    self.index = index
    section = uses.partition.sections[index]
    let streams = (section.forward + section.backward).flatMap {
      uses.program.calls[$0].kernel.streams
    }
    firstStream = streams.min() ?? 0
    streamCount = streams.isEmpty ? 0 : (streams.max() ?? 0) - firstStream + 1
    collectParameters()
    nameEdges()
  }

  /// The one activation that comes in is `x`, the one that goes out `y`.
  private mutating func nameEdges() {
    let computed = Set(section.forward)
    let read = Set(section.forward.flatMap { program.calls[$0].inputs })
    let given = read.filter { value in
      uses.isEdge(value) && !(uses.maker(of: value).map(computed.contains) ?? false)
    }
    let handed = section.forward.flatMap { program.calls[$0].results }
      .filter { uses.isEdge($0) && uses.outputs[$0] == nil }
    if given.count == 1, let edge = given.first { names.edgeNames[edge] = "x" }
    if handed.count == 1, let edge = handed.first { names.edgeNames[edge] = "y" }
  }

  private mutating func collectParameters() {
    owned = uses.owned[index]
    let read = Set((section.forward + section.backward).flatMap { program.calls[$0].inputs })
    borrowed = read.filter { uses.isParameter($0) && uses.owner[$0] != index }.sorted()
  }

  /// A name for a value that no other buffer of the layer has: what it is, and if need be what makes it.
  mutating func uniqueName(of value: Value, _ ending: String = "") -> String {
    names.candidates(for: value, in: section.scope).map { $0 + ending }
      .firstNew(among: &takenNames)
  }
}

extension LayerPlanner {
  /// One of the section's two functions.
  struct Function {
    var draft = FunctionDraft()
    var slots: [Value: Int] = [:]
    var packed: [Value: Int] = [:]
    var edges: [Value] = []
    var written: Set<Value> = []
  }

  /// The layer, and the edges that its arguments are.
  struct Result {
    var layer: Layer
    var forwardEdges: [Value]
    var backwardEdges: [Value]

    /// The graph's nodes that each call carries out.
    var forwardNodes: [[Int]]
    var backwardNodes: [[Int]]
    var scratchBytes: Int
  }

  mutating func plan() throws(Diagnostic) -> Result {
    var forward = Function()
    for call in section.forward { add(call, to: &forward) }
    var backward = Function()
    for call in section.backward { add(call, to: &backward) }
    return try finish(forward, backward)
  }

  private mutating func finish(
    _ forward: Function, _ backward: Function
  ) throws(Diagnostic) -> Result {
    let namer = ArgumentNames(self, forward, backward)
    let (forwardEdges, forwardArguments) = namer.arguments(forward)
    let (backwardEdges, backwardArguments) = namer.arguments(backward)
    let forwardScratch = forward.draft.scratch(batch: program.sequences)
    let backwardScratch = backward.draft.scratch(batch: program.sequences)
    let forwardCalls = calls(forward, forwardScratch, forwardEdges, forwardArguments)
    let backwardCalls = calls(backward, backwardScratch, backwardEdges, backwardArguments)
    var layer = Layer(
      name: layerName, location: layerLocation,
      parameters: try owned.map { (parameter) throws(Diagnostic) in
        layerParameter(parameter, start: try start(of: parameter, forwardEdges))
      },
      borrowed: borrowed.map { layerParameter($0, start: nil) },
      forwardArguments: forwardArguments, backwardArguments: backwardArguments,
      saved: placedSaved, forwardScratch: forwardScratch.buffers,
      backwardScratch: backwardScratch.buffers,
      forward: forwardCalls, backward: backwardCalls,
      forwardRuns: forwardCalls.runs(batch: program.sequences),
      backwardRuns: backwardCalls.runs(batch: program.sequences),
      streamCount: streamCount)
    let updating = backward.draft.calls.indices.filter { backward.draft.calls[$0].updates }
    layer.updateInBackward(updating) { isReadHereOnly(owned[$0]) }
    return Result(
      layer: layer, forwardEdges: forwardEdges, backwardEdges: backwardEdges,
      forwardNodes: forward.draft.calls.map(\.nodes),
      backwardNodes: backward.draft.calls.map(\.nodes),
      scratchBytes: max(forwardScratch.bytes, backwardScratch.bytes))
  }

  /// Whether no other section reads a parameter.
  private func isReadHereOnly(_ parameter: Value) -> Bool {
    uses.readers(of: parameter).allSatisfy { uses.partition.sectionOfCall[$0] == index }
  }

  /// The calls of a function, its arguments renumbered to the order in which they are passed.
  private func calls(
    _ function: Function, _ scratch: FunctionDraft.Scratch, _ edges: [Value],
    _ arguments: [Argument]
  ) -> [Call] {
    let calls = function.draft.finished(scratch) { place in
      if case .saved(let index) = place { saved[index].name } else { nil }
    }
    let order = function.edges.map { edge in edges.firstIndex(of: edge) ?? 0 }
    func moved(_ operand: Operand) -> Operand {
      var operand = operand
      if case .argument(let index) = operand.place {
        operand.place = .argument(order[index])
        operand.name = arguments[order[index]].name
      } else if case .gradient(let index) = operand.place {
        operand.name = Operand.gradientName(of: layerParameter(owned[index], start: nil))
      }
      return operand
    }
    return calls.map { call in
      var call = call
      call.kernel = call.kernel.map(moved)
      return call
    }
  }

  private var layerName: String {
    if let layer = section.layer { return layer.name }
    if uses.partition.sections.count == 1 { return "body" }
    if index == 0 { return "input" }
    return index == uses.partition.sections.count - 1 ? "output" : "between"
  }

  /// Where the layer's function begins in the model, or the first line that it came from.
  private var layerLocation: SourceLocation? {
    let locations = section.forward.compactMap { program.calls[$0].location }
    let heading = "func \(layerName)("
    var seen: Set<String> = []
    for file in locations.map(\.file) where seen.insert(file).inserted {
      guard let line = names.source.firstNumber(beginning: heading, in: file) else { continue }
      return SourceLocation(file: file, line: line, column: 1)
    }
    // Lines of two files have no order.
    return locations.filter { $0.file == locations[0].file }.min { $0.line < $1.line }
  }

  /// Those that each use keeps come first, where others are the first use's: the rest has no place then.
  private var placedSaved: [Buffer] {
    let kept = Set(savedIndex.filter { uses.isKept($0.key) }.values)
    var (placed, offset) = (saved, 0)
    for index in saved.indices.filter(kept.contains) + saved.indices.filter({ !kept.contains($0) })
    {
      placed[index].storage.offset = offset
      offset += placed[index].bytes
    }
    return placed
  }

  private func layerParameter(
    _ parameter: Value, start: LayerParameter.Start?
  ) -> LayerParameter {
    LayerParameter(
      field: names.name(of: parameter, in: section.scope), type: program.type(of: parameter),
      layout: layouts[parameter] ?? .rowMajor, update: uses.update(of: parameter),
      role: uses.source(of: parameter)?.role ?? .weight, start: start)
  }

  /// Where the experts' first rows are, if the parameter is stacked by expert.
  private func start(
    of parameter: Value, _ forwardEdges: [Value]
  ) throws(Diagnostic) -> LayerParameter.Start? {
    let readers = uses.readers(of: parameter).map { program.calls[$0] }
    let starts = Set(
      readers.compactMap { uses.isExperts(parameter, of: $0) ? uses.start(ofExperts: $0) : nil })
    guard let start = starts.first else { return nil }
    if starts.count == 1 {
      if let index = savedIndex[start] { return .saved(index) }
      if let index = forwardEdges.firstIndex(of: start) { return .argument(index) }
    }
    let source = uses.source(of: parameter)
    throw Diagnostic(
      at: source?.location,
      "the experts' weights \(source?.scope ?? "") are used by several routings",
      hint: "give each routing experts of its own")
  }
}
