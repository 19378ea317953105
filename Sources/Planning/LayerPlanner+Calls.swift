import GraphIR
import Lowering

/// Drafts the calls of a function: where each operand is, and where each result goes.
extension LayerPlanner {
  mutating func add(_ index: Int, to function: inout Function) {
    let call = program.calls[index]
    var kernel = KernelCall<FunctionDraft.DraftOperand>(
      call.kernel.action,
      call.kernel.operands.map { .init($0.role, operand($0.content, &function)) },
      to: [], finishes: call.kernel.finishes
    ).countingStreams(from: firstStream)
    kernel.finishes = kernel.finishes.mapValues { finish in
      var finish = finish
      finish.scope = ValueNames.field(finish.scope, in: section.scope)
      return finish
    }
    if call.op?.readsPanels ?? false {
      for place in kernel.operands.indices where kernel.operands[place].role == .weights {
        kernel.operands[place].content = panels(
          of: call.inputs[place], kernel.operands[place].content, readBy: call, &function)
      }
    }
    if let room = call.inputs.first.flatMap({ call.op?.room(program.type(of: $0)) }) {
      let slot = function.draft.addSlot(
        uniqueName(of: call.results[0], "_part"), room, .rowMajor, at: nil)
      kernel.operands.append(.init(.room, .slot(slot)))
    }
    let slots = call.results.map { value in
      needsUnpacking(value)
        ? panelSlot(of: value, &function)
        : result(value, of: index, &function)
    }
    kernel.results = zip(call.kernel.results, slots).map { .init($0.role, .slot($1)) }
    function.draft.add(
      .init(
        kernel: kernel, scope: ValueNames.field(call.scope, in: section.scope),
        location: call.location,
        joined: call.joined.map {
          Origin(ValueNames.field($0.scope, in: section.scope), nil, $0.location)
        }, nodes: call.nodes, cost: call.cost, updates: call.updates,
        purpose: uses.purposes[index] ?? .every))
    for (value, slot) in zip(call.results, slots) {
      let final = needsUnpacking(value) ? unpacked(value, from: slot, index, &function) : slot
      bindGradients(value, final, call, &function)
    }
  }

  /// Whether a value is a weight's gradient, which comes as panels, but does not stay so.
  private func needsUnpacking(_ value: Value) -> Bool {
    guard uses.isWeightGradient(value) else { return false }
    let parameter = uses.gradientOf[value]?.first { owned.contains($0) } ?? uses.grows[value]
    return parameter.map { layouts[$0] == .rowMajor } ?? true
  }

  private mutating func panelSlot(of value: Value, _ function: inout Function) -> Int {
    let type = program.type(of: value)
    let name = uniqueName(of: value, "_panels")
    return function.draft.addSlot(name, type, ValueUses.panels(type), at: nil)
  }

  private mutating func unpacked(
    _ value: Value, from panels: Int, _ index: Int, _ function: inout Function
  ) -> Int {
    let call = program.calls[index]
    let slot = result(value, of: index, &function)
    function.draft.add(
      .init(
        kernel: Self.move(.unpack, .slot(panels), to: .slot(slot)), scope: "",
        location: call.location, nodes: call.nodes))
    return slot
  }

  /// A call that changes nothing but where something lies, or how.
  private static func move(
    _ action: Action, _ operand: FunctionDraft.DraftOperand, to result: FunctionDraft.DraftOperand
  ) -> KernelCall<FunctionDraft.DraftOperand> {
    KernelCall(action, [.init(.operand, operand)], to: [.init(.output, result)])
  }

  /// Where a value that a call reads is.
  private mutating func operand(_ value: Value, _ function: inout Function)
    -> FunctionDraft.DraftOperand
  {
    if let slot = function.slots[value] { return .slot(slot) }
    let type = program.type(of: value)
    func fixed(_ place: Place, _ name: String, _ layout: Layout = .rowMajor)
      -> FunctionDraft.DraftOperand
    {
      .fixed(Operand(place: place, name: name, type: type, layout: layout))
    }
    let name = names.name(of: value, in: section.scope)
    if case .input(let input) = uses.source(of: value)?.op {
      return fixed(.source(input.kind), input.kind.rawValue)
    }
    if uses.isParameter(value) {
      let layout = layouts[value] ?? .rowMajor
      if let index = owned.firstIndex(of: value) { return fixed(.parameter(index), name, layout) }
      return fixed(.borrowed(borrowed.firstIndex(of: value) ?? 0), name, layout)
    }
    if let index = savedIndex[value] { return fixed(.saved(index), saved[index].name) }
    return fixed(
      .argument(argument(value, &function)), name, uses.layout(ofGradient: value) ?? .rowMajor)
  }

  private func argument(_ value: Value, _ function: inout Function) -> Int {
    if let index = function.edges.firstIndex(of: value) { return index }
    function.edges.append(value)
    return function.edges.count - 1
  }

  /// The weights as panels: as they lie, or packed once for this function.
  private mutating func panels(
    of value: Value, _ operand: FunctionDraft.DraftOperand, readBy reader: Program.Call,
    _ function: inout Function
  ) -> FunctionDraft.DraftOperand {
    if case .fixed(let operand) = operand, operand.layout != .rowMajor { return .fixed(operand) }
    if let slot = function.packed[value] { return .slot(slot) }
    let slot = panelSlot(of: value, &function)
    function.packed[value] = slot
    function.draft.add(
      .init(
        kernel: Self.move(.pack, operand, to: .slot(slot)), scope: "",
        location: reader.location, nodes: reader.nodes))
    return .slot(slot)
  }

  /// Where a call's result goes: its fixed place, an operand's slot that dies here, or scratch.
  private mutating func result(_ value: Value, of index: Int, _ function: inout Function) -> Int {
    let place = fixedPlace(value, &function)
    if let slot = dyingSlot(value, index, function) {
      if let place { adopt(place, of: value, by: slot, &function) }
      if place == nil && program.calls[index].phase == .backward {
        rename(slot, for: value, &function)
      }
      function.slots[value] = slot
      return slot
    }
    let type = program.type(of: value)
    let layout = layout(of: value, at: place)
    let slot = function.draft.addSlot(slotName(value, place), type, layout, at: place)
    function.slots[value] = slot
    return slot
  }

  private func layout(of value: Value, at place: Place?) -> Layout {
    if case .gradient(let index) = place { return layouts[owned[index]] ?? .rowMajor }
    return uses.layout(ofGradient: value) ?? .rowMajor
  }

  /// A gradient is known by what it is in the end, when all of it has arrived.
  private mutating func rename(_ slot: Int, for value: Value, _ function: inout Function) {
    let old = function.draft.slots[slot].name
    takenNames.remove(old)
    function.draft.rename(slot, to: uniqueName(of: value))
  }

  private mutating func slotName(_ value: Value, _ place: Place?) -> String {
    if case .saved(let index) = place { return saved[index].name }
    return place == nil ? uniqueName(of: value) : names.name(of: value, in: section.scope)
  }

  private mutating func fixedPlace(_ value: Value, _ function: inout Function) -> Place? {
    // What another layer reads goes there, and is copied if it is a parameter's gradient too.
    if uses.isEdge(value) {
      function.written.insert(value)
      return .argument(argument(value, &function))
    }
    if let owner = (uses.gradientOf[value] ?? uses.grows[value].map { [$0] } ?? []).compactMap({
      owned.firstIndex(of: $0)
    }).first {
      return .gradient(owner)
    }
    guard uses.isSaved(value) else { return nil }
    let name = uniqueName(of: value)
    savedIndex[value] = saved.count
    saved.append(Buffer(name: name, type: program.type(of: value), in: .saved))
    return .saved(saved.count - 1)
  }

  /// The scratch slot of an operand that nothing reads after this op, which may make its result there.
  private func dyingSlot(_ value: Value, _ index: Int, _ function: Function) -> Int? {
    let call = program.calls[index]
    guard [.pointwise, .rotary].contains(call.op?.kind) else { return nil }
    for input in call.inputs where program.type(of: input) == program.type(of: value) {
      guard let slot = function.slots[input], function.draft.slots[slot].place == nil,
        function.draft.slots[slot].layout == .rowMajor, uses.readers(of: input).last == index,
        uses.outputs[input] == nil
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
    _ value: Value, _ slot: Int, _ call: Program.Call, _ function: inout Function
  ) {
    for parameter in uses.gradientOf[value] ?? [] {
      guard let index = owned.firstIndex(of: parameter),
        function.draft.slots[slot].place != .gradient(index)
      else { continue }
      let type = program.type(of: value)
      let layout = layouts[parameter] ?? .rowMajor
      let target = function.draft.addSlot(
        names.name(of: value, in: section.scope), type, layout, at: .gradient(index))
      function.draft.add(
        .init(
          kernel: Self.move(.copy, .slot(slot), to: .slot(target)), scope: "",
          location: call.location, nodes: call.nodes))
    }
  }
}
