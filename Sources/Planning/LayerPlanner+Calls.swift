import GraphIR

/// Drafts the calls of a function: where each operand is, and where each result goes.
extension LayerPlanner {
  mutating func add(_ node: Int, to function: inout Function) {
    let reading = graph.nodes[node]
    var inputs = reading.inputs.map { operand($0, &function) }
    if reading.op.kind == .linear || reading.op.kind == .linearInputGradient {
      inputs[1] = panels(of: reading.inputs[1], inputs[1], readBy: node, &function)
    }
    let values = graph.results(of: node)
    let results: [Int?] = values.map { value in
      if !isWanted(value) { return nil }
      return needsUnpacking(value)
        ? panelSlot(names.name(of: value, in: section.scope), graph.type(of: value), &function)
        : result(value, of: reading, &function)
    }
    function.draft.add(
      .init(
        action: .op(reading.op.mappingStreams { $0 - firstStream }),
        isJoined: uses.joined.contains(node), finish: finish(of: node),
        inputs: inputs, results: results.map { $0.map(FunctionDraft.DraftOperand.slot) },
        scope: ValueNames.field(reading.scope, in: section.scope), location: reading.location,
        nodes: uses.origins[node], cost: uses.costs[node]))
    for case (let value, let slot?) in zip(values, results) {
      let final = needsUnpacking(value) ? unpacked(value, from: slot, reading, &function) : slot
      bindGradients(value, final, reading, &function)
    }
  }

  /// Whether a call must make a value: a layer norm's gradients are made where they are read.
  private func isWanted(_ value: Value) -> Bool {
    graph.nodes[value.node].op.kind != .layerNormGradient || uses.readers[value] != nil
      || uses.gradientOf[value] != nil || uses.output[value] != nil
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
        location: node.location, nodes: uses.origins[value.node]))
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
      expression: expression.mappingStreams { $0 - firstStream }, operands: finish.operands)
  }

  /// Where a value that a node reads is.
  private mutating func operand(_ value: Value, _ function: inout Function)
    -> FunctionDraft.DraftOperand
  {
    if let slot = function.slots[value] { return .slot(slot) }
    let type = graph.type(of: value)
    func fixed(_ place: Place, _ name: String, _ layout: Layout = .rowMajor)
      -> FunctionDraft.DraftOperand
    {
      .fixed(Operand(place: place, name: name, type: type, layout: layout))
    }
    let name = names.name(of: value, in: section.scope)
    if case .input(let input) = graph.nodes[value.node].op {
      return fixed(.source(input.kind), input.kind.rawValue)
    }
    if uses.isParameter(value) {
      let layout = layouts[value.node] ?? .rowMajor
      if let index = owned.firstIndex(of: value.node) {
        return fixed(.parameter(index), name, layout)
      }
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
    of value: Value, _ operand: FunctionDraft.DraftOperand, readBy reader: Int,
    _ function: inout Function
  ) -> FunctionDraft.DraftOperand {
    if case .fixed(let operand) = operand, operand.layout != .rowMajor { return .fixed(operand) }
    if let slot = function.packed[value] { return .slot(slot) }
    let name = names.name(of: value, in: section.scope)
    let slot = panelSlot(name, graph.type(of: value), &function)
    function.packed[value] = slot
    function.draft.add(
      .init(
        action: .pack, inputs: [operand], results: [.slot(slot)], scope: "",
        location: graph.nodes[reader].location, nodes: uses.origins[reader]))
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
    let isPanels = place.map {
      if case .gradient(let index) = $0 { layouts[owned[index]] != .rowMajor } else { false }
    }
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

  private mutating func fixedPlace(_ value: Value, _ node: Node, _ function: inout Function)
    -> Place?
  {
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
  private mutating func adopt(
    _ place: Place, of value: Value, by slot: Int, _ function: inout Function
  ) {
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
          scope: "", location: node.location, nodes: uses.origins[value.node]))
    }
  }
}
