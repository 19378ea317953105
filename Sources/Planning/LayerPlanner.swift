import GraphIR

/// Plans the forward and backward functions of one section.
struct LayerPlanner {
  let uses: ValueUses
  private(set) var names: ValueNames
  let index: Int
  let section: Partition.Section

  var graph: Graph { uses.graph }

  /// Nodes of the parameters that this section owns, and of those that it only reads.
  private(set) var owned: [Int] = []
  private(set) var borrowed: [Int] = []
  private var layouts: [Int: Layout] = [:]

  private(set) var saved: [Buffer] = []
  private var savedIndex: [Value: Int] = [:]
  private var takenNames: Set<String> = []
  let firstStream: Int
  let streamCount: Int

  init(_ uses: ValueUses, _ names: ValueNames, section index: Int) {
    self.uses = uses
    self.names = names
    self.index = index
    section = uses.partition.sections[index]
    let streams = (section.forward + section.backward).flatMap {
      uses.graph.nodes[$0].op.streams + (uses.finishes[$0]?.expression.streams ?? [])
    }
    firstStream = streams.min() ?? 0
    streamCount = streams.isEmpty ? 0 : (streams.max() ?? 0) - firstStream + 1
    collectParameters()
    nameEdges()
  }

  /// The one activation that comes in is `x`, the one that goes out `y`.
  private mutating func nameEdges() {
    let computed = Set(section.forward)
    let read = Set(section.forward.flatMap { graph.nodes[$0].inputs })
    let given = read.filter { uses.isEdge($0) && !computed.contains($0.node) }
    let handed = section.forward.flatMap(graph.results(of:))
      .filter { uses.isEdge($0) && uses.output[$0] == nil }
    if given.count == 1, let edge = given.first { names.edgeNames[edge] = "x" }
    if handed.count == 1, let edge = handed.first { names.edgeNames[edge] = "y" }
  }

  private mutating func collectParameters() {
    let read = Set((section.forward + section.backward).flatMap { graph.nodes[$0].inputs.map(\.node) })
    for (node, _) in graph.parameters {
      if uses.owner[node] == index { owned.append(node) } else if read.contains(node) { borrowed.append(node) }
      layouts[node] = uses.layout(ofParameter: node)
    }
  }

  /// A name that no other buffer of the layer has.
  private mutating func uniqueName(_ name: String) -> String {
    var candidate = name
    var number = 2
    while !takenNames.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
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
    var scratchBytes: Int
  }

  mutating func plan() throws(Diagnostic) -> Result {
    var forward = Function()
    for node in section.forward { add(node, to: &forward) }
    var backward = Function()
    for node in section.backward { add(node, to: &backward) }
    return try finish(forward, backward)
  }

  private mutating func finish(
    _ forward: Function, _ backward: Function
  ) throws(Diagnostic) -> Result {
    let namer = ArgumentNames(self, forward, backward)
    let (forwardEdges, forwardArguments) = namer.arguments(forward)
    let (backwardEdges, backwardArguments) = namer.arguments(backward)
    let (forwardScratch, backwardScratch) = (forward.draft.scratch(), backward.draft.scratch())
    let layer = Layer(
      name: layerName, location: layerLocation,
      parameters: try owned.map { (node) throws(Diagnostic) in try layerParameter(node, backwardEdges) },
      borrowed: try borrowed.map { (node) throws(Diagnostic) in try layerParameter(node, backwardEdges) },
      forwardArguments: forwardArguments, backwardArguments: backwardArguments,
      saved: placed(saved), forwardScratch: forwardScratch.buffers,
      backwardScratch: backwardScratch.buffers,
      forward: calls(forward, forwardScratch, forwardEdges, forwardArguments),
      backward: calls(backward, backwardScratch, backwardEdges, backwardArguments),
      streamCount: streamCount)
    return Result(
      layer: layer, forwardEdges: forwardEdges, backwardEdges: backwardEdges,
      scratchBytes: max(forwardScratch.bytes, backwardScratch.bytes))
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
      guard case .argument(let index) = operand.place else { return operand }
      var operand = operand
      operand.place = .argument(order[index])
      operand.name = arguments[order[index]].name
      return operand
    }
    return calls.map { call in
      var call = call
      call.inputs = call.inputs.map(moved)
      call.results = call.results.map { $0.map(moved) }
      return call
    }
  }

  private var layerName: String {
    if !section.scope.isEmpty { return String(section.scope.prefix { $0 != "." }) }
    if uses.partition.sections.count == 1 { return "body" }
    if index == 0 { return "input" }
    return index == uses.partition.sections.count - 1 ? "output" : "between"
  }

  /// Where the layer's function begins in the model, or the first line that it came from.
  private var layerLocation: SourceLocation? {
    let locations = section.forward.compactMap { graph.nodes[$0].location }
    guard var first = locations.min(by: { $0.line < $1.line }) else { return nil }
    let heading = "func \(layerName)("
    if let line = names.source.firstIndex(where: { $0.hasPrefix(heading) }) {
      first.line = line + 1
      first.column = 1
    }
    return first
  }

  private func placed(_ buffers: [Buffer]) -> [Buffer] {
    var offset = 0
    return buffers.map { buffer in
      var buffer = buffer
      buffer.offset = offset
      offset += buffer.bytes
      return buffer
    }
  }

  private func layerParameter(
    _ node: Int, _ backwardEdges: [Value]
  ) throws(Diagnostic) -> LayerParameter {
    let name = names.name(of: Value(node: node), in: section.scope)
    return LayerParameter(
      field: name, type: graph.type(of: Value(node: node)), layout: layouts[node] ?? .rowMajor,
      hasGradient: uses.gradientOf.values.contains { $0.contains(node) }, role: uses.role(ofParameter: node),
      start: try startBuffer(of: node))
  }

  /// The saved buffer with the experts' first rows, if the parameter is stacked by expert.
  private func startBuffer(of node: Int) throws(Diagnostic) -> Int? {
    let starts = Set(
      (uses.readers[Value(node: node)] ?? []).compactMap { reader -> Value? in
        let reading = graph.nodes[reader]
        guard case .linear(let linear) = reading.op, reading.types[0].experts != nil,
          reading.inputs[1].node == node || (linear.bias && reading.inputs[2].node == node)
        else { return nil }
        return reading.inputs[linear.bias ? 3 : 2]
      })
    guard let start = starts.first else { return nil }
    guard starts.count == 1, let index = savedIndex[start] else {
      throw Diagnostic(
        at: graph.nodes[node].location,
        "the experts' weights \(graph.nodes[node].scope) are used by several routings or apart from theirs",
        hint: "route and apply experts within the same layer, once")
    }
    return index
  }
}

extension LayerPlanner {
  private mutating func add(_ node: Int, to function: inout Function) {
    let reading = graph.nodes[node].readingOnlyWhatItUses
    var inputs = reading.inputs.map { operand($0, &function) }
    if reading.op.kind == .linear || reading.op.kind == .linearInputGradient {
      inputs[1] = panels(of: reading.inputs[1], inputs[1], reading, &function)
    }
    let values = graph.results(of: node)
    let results = values.map { value in
      needsUnpacking(value)
        ? panelSlot(names.name(of: value, in: section.scope), graph.type(of: value), &function)
        : result(value, of: reading, &function)
    }
    function.draft.add(
      .init(
        action: .op(reading.op.countingStreams(from: firstStream)),
        isJoined: uses.joined.contains(node), finish: finish(of: node),
        inputs: inputs, results: results.map(FunctionDraft.DraftOperand.slot),
        scope: ValueNames.field(reading.scope, in: section.scope), location: reading.location))
    for (value, slot) in zip(values, results) {
      let final = needsUnpacking(value) ? unpacked(value, from: slot, reading, &function) : slot
      bindGradients(value, final, reading, &function)
    }
  }

  /// Whether a value is a weight's gradient, which comes as panels, but does not stay so.
  private func needsUnpacking(_ value: Value) -> Bool {
    guard graph.nodes[value.node].op.kind == .linearWeightGradient,
      value.result == 0 || uses.joined.contains(value.node)
    else { return false }
    let parameter = uses.gradientOf[value]?.first { owned.contains($0) }
    return parameter.map { layouts[$0] == .rowMajor } ?? true
  }

  private mutating func panelSlot(
    _ name: String, _ type: TensorType, _ function: inout Function
  ) -> Int {
    function.draft.addSlot(uniqueName(name + "_panels"), type, ValueUses.panels(type), at: nil)
  }

  private mutating func unpacked(
    _ value: Value, from panels: Int, _ node: Node, _ function: inout Function
  ) -> Int {
    let slot = result(value, of: node, &function)
    function.draft.add(
      .init(
        action: .unpack, inputs: [.slot(panels)], results: [.slot(slot)], scope: "",
        location: node.location))
    return slot
  }

  /// The last step of a product, its streams counted as those of ops.
  private func finish(of node: Int) -> Finish? {
    guard let finish = uses.finishes[node] else { return nil }
    // The product is x0; what else is read follows in the order of the inputs.
    let expression = finish.expression.substituting { index in
      .input(index == finish.product ? 0 : index < finish.product ? index + 1 : index)
    }
    return Finish(
      expression: expression.countingStreams(from: firstStream), operands: finish.operands)
  }

  /// Where a value that a node reads is.
  private mutating func operand(_ value: Value, _ function: inout Function) -> FunctionDraft.DraftOperand {
    if let slot = function.slots[value] { return .slot(slot) }
    let type = graph.type(of: value)
    func fixed(_ place: Place, _ name: String, _ layout: Layout = .rowMajor) -> FunctionDraft.DraftOperand {
      .fixed(Operand(place: place, name: name, type: type, layout: layout))
    }
    let name = names.name(of: value, in: section.scope)
    if case .input(let input) = graph.nodes[value.node].op {
      return fixed(.source(input.kind), input.kind.rawValue)
    }
    if uses.isParameter(value) {
      let layout = layouts[value.node] ?? .rowMajor
      if let index = owned.firstIndex(of: value.node) { return fixed(.parameter(index), name, layout) }
      return fixed(.borrowed(borrowed.firstIndex(of: value.node) ?? 0), name, layout)
    }
    if let index = savedIndex[value] { return fixed(.saved(index), saved[index].name) }
    return fixed(.argument(argument(value, &function)), name)
  }

  private func argument(_ value: Value, _ function: inout Function) -> Int {
    if let index = function.edges.firstIndex(of: value) { return index }
    function.edges.append(value)
    return function.edges.count - 1
  }

  /// The weights as panels: as they lie, or packed once for this function.
  private mutating func panels(
    of value: Value, _ operand: FunctionDraft.DraftOperand, _ node: Node, _ function: inout Function
  ) -> FunctionDraft.DraftOperand {
    if case .fixed(let operand) = operand, operand.layout != .rowMajor { return .fixed(operand) }
    if let slot = function.packed[value] { return .slot(slot) }
    let name = names.name(of: value, in: section.scope)
    let slot = panelSlot(name, graph.type(of: value), &function)
    function.packed[value] = slot
    function.draft.add(
      .init(action: .pack, inputs: [operand], results: [.slot(slot)], scope: "", location: node.location))
    return .slot(slot)
  }

  /// Where a node's result goes: its fixed place, an operand's slot that dies here, or scratch.
  private mutating func result(_ value: Value, of node: Node, _ function: inout Function) -> Int {
    let place = fixedPlace(value, node, &function)
    if let slot = dyingSlot(value, node, function) {
      if let place { adopt(place, of: value, by: slot, &function) }
      if place == nil && node.phase == .backward { rename(slot, for: value, &function) }
      function.slots[value] = slot
      return slot
    }
    let type = graph.type(of: value)
    let isPanels = place.map { if case .gradient(let index) = $0 { layouts[owned[index]] != .rowMajor } else { false } }
    let layout = isPanels ?? false ? ValueUses.panels(type) : .rowMajor
    let slot = function.draft.addSlot(slotName(value, place), type, layout, at: place)
    function.slots[value] = slot
    return slot
  }

  /// A gradient is known by what it is in the end, when all of it has arrived.
  private mutating func rename(_ slot: Int, for value: Value, _ function: inout Function) {
    let old = function.draft.slots[slot].name
    takenNames.remove(old)
    function.draft.rename(slot, to: uniqueName(names.name(of: value, in: section.scope)))
  }

  private mutating func slotName(_ value: Value, _ place: Place?) -> String {
    if case .saved(let index) = place { return saved[index].name }
    let name = names.name(of: value, in: section.scope)
    return place == nil ? uniqueName(name) : name
  }

  private mutating func fixedPlace(_ value: Value, _ node: Node, _ function: inout Function) -> Place? {
    if let owner = (uses.gradientOf[value] ?? []).compactMap({ owned.firstIndex(of: $0) }).first {
      return .gradient(owner)
    }
    if uses.isEdge(value) {
      function.written.insert(value)
      return .argument(argument(value, &function))
    }
    guard uses.isSaved(value) else { return nil }
    let name = uniqueName(names.name(of: value, in: section.scope))
    savedIndex[value] = saved.count
    saved.append(Buffer(name: name, type: graph.type(of: value)))
    return .saved(saved.count - 1)
  }

  /// The scratch slot of an operand that nothing reads after this pointwise op.
  private func dyingSlot(_ value: Value, _ node: Node, _ function: Function) -> Int? {
    guard case .pointwise = node.op else { return nil }
    for input in node.inputs where graph.type(of: input) == graph.type(of: value) {
      guard let slot = function.slots[input], function.draft.slots[slot].place == nil,
        function.draft.slots[slot].layout == .rowMajor, uses.readers[input]?.last == value.node,
        uses.output[input] == nil
      else { continue }
      return slot
    }
    return nil
  }

  /// The slot's earlier values move to the place where its last one must be; a saved buffer takes the
  /// name that the slot had first, which is the layer's, unless the user gave it one.
  private mutating func adopt(_ place: Place, of value: Value, by slot: Int, _ function: inout Function) {
    if case .saved(let index) = place, !names.isNamedByLet(value) {
      takenNames.remove(saved[index].name)
      saved[index].name = function.draft.slots[slot].name
    }
    function.draft.fix(slot, at: place)
  }

  /// Copies a gradient to where the optimizer reads it, unless it was computed there.
  private mutating func bindGradients(
    _ value: Value, _ slot: Int, _ node: Node, _ function: inout Function
  ) {
    for parameter in uses.gradientOf[value] ?? [] {
      guard let index = owned.firstIndex(of: parameter),
        function.draft.slots[slot].place != .gradient(index)
      else { continue }
      let type = graph.type(of: value)
      let layout = layouts[parameter] ?? .rowMajor
      let target = function.draft.addSlot(
        names.name(of: value, in: section.scope), type, layout, at: .gradient(index))
      function.draft.add(
        .init(
          action: .copy, inputs: [.slot(slot)], results: [.slot(target)],
          scope: "", location: node.location))
    }
  }
}

extension Node {
  /// A pointwise op without the operands that only give it its shape: a call does not read them.
  fileprivate var readingOnlyWhatItUses: Node {
    guard case .pointwise(let op) = op else { return self }
    let used = op.expression.inputs
    var node = self
    node.inputs = used.map { inputs[$0] }
    node.op = .pointwise(
      Pointwise(op.expression.substituting { .input(used.firstIndex(of: $0) ?? 0) }))
    return node
  }
}
