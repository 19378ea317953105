import GraphIR
import Lowering

/// The calls of one function while their operands' places are still being decided.
///
/// Each local value gets a slot. A pointwise op, or one that turns by position, whose operand dies there
/// takes over the operand's slot (in place); slots without a fixed place are laid out in scratch by their lifetimes.
struct FunctionDraft {
  struct Slot {
    var name: String
    var type: TensorType
    var layout: Layout

    /// Where the slot must be; nil: anywhere in scratch.
    var place: Place?

    /// The calls between which the slot is in use.
    var first: Int
    var last: Int
  }

  enum DraftOperand: Hashable {
    case slot(Int)
    case fixed(Operand)
  }

  struct DraftCall {
    var kernel: KernelCall<DraftOperand>
    var scope: String
    var location: SourceLocation?
    var joined: [Origin] = []

    /// The graph's nodes that the call carries out, and what they cost.
    var nodes: [Int]
    var cost = Cost.none
    var updates = false
    var purpose = Purpose.every

    /// What the call reads and what it makes.
    var operands: [DraftOperand] { (kernel.operands + kernel.results).map(\.content) }
  }

  private(set) var slots: [Slot] = []
  private(set) var calls: [DraftCall] = []

  mutating func addSlot(_ name: String, _ type: TensorType, _ layout: Layout, at place: Place?)
    -> Int
  {
    slots.append(
      Slot(
        name: name, type: type, layout: layout, place: place, first: calls.count,
        last: calls.count))
    return slots.count - 1
  }

  /// Gives a slot that was meant for scratch a fixed place.
  mutating func fix(_ slot: Int, at place: Place) { slots[slot].place = place }

  mutating func rename(_ slot: Int, to name: String) { slots[slot].name = name }

  mutating func add(_ call: DraftCall) {
    for case .slot(let slot) in call.operands {
      slots[slot].first = min(slots[slot].first, calls.count)
      slots[slot].last = calls.count
    }
    calls.append(call)
  }

  /// The slots that live in scratch, with their places.
  struct Scratch {
    var buffers: [Buffer] = []
    var indexOfSlot: [Int: Int] = [:]
    var bytes = 0
  }

  /// Lays scratch slots out so that slots in use at the same time do not overlap: largest first,
  /// each at the lowest place that is free during its life.
  ///
  /// What threads compute by sequence shares its memory with nothing. One thread may be at the first call
  /// of such a run while another is at the last; and a thread that writes where another wrote before
  /// waits for the other's cache, which costs more than the memory is worth. What calls of a run together touch
  /// lives as long as the run: what one of them makes is in no other one's way, whichever is first.
  func scratch(batch: Axis) -> Scratch {
    var result = Scratch()
    let free = slots.indices.filter { slots[$0].place == nil }
    for slot in free {
      result.indexOfSlot[slot] = result.buffers.count
      result.buffers.append(
        Buffer(
          name: slots[slot].name, type: slots[slot].type, layout: slots[slot].layout, in: .scratch))
    }
    let runs = finished(result) { _ in nil }.runs(batch: batch)
    let apart = slotsBySequence(runs, batch)
    let blocks = free.map { slot in
      Placement.Block(
        bytes: result.buffers[result.indexOfSlot[slot] ?? 0].bytes,
        life: apart.contains(slot) ? 0...calls.count : life(of: slots[slot], runs))
    }
    let placement = Placement(blocks)
    for index in result.buffers.indices {
      result.buffers[index].storage.offset = placement.offsets[index]
    }
    result.bytes = placement.bytes
    return result
  }

  /// The slots of tensors by sequence that runs of calls by sequence read or write.
  private func slotsBySequence(_ runs: [CallRun], _ batch: Axis) -> Set<Int> {
    let bySequence = runs.filter { $0.kind == .bySequence }
    return Set(
      bySequence.flatMap { calls[$0.calls] }.flatMap(\.operands)
        .compactMap { operand in
          guard case .slot(let slot) = operand, slots[slot].type.leads(with: batch) else {
            return nil
          }
          return slot
        })
  }

  /// From the first call that touches a slot to the last, and all of the runs together that these belong to.
  private func life(of slot: Slot, _ runs: [CallRun]) -> ClosedRange<Int> {
    var (first, last) = (slot.first, slot.last)
    for run in runs where run.kind == .together {
      if run.calls.contains(first) { first = run.calls.lowerBound }
      if run.calls.contains(last) { last = run.calls.upperBound - 1 }
    }
    return first...last
  }

  /// The calls with every operand in its place.
  func finished(_ scratch: Scratch, named: (Place) -> String?) -> [Call] {
    calls.map { call in
      Call(
        kernel: call.kernel.map { operand($0, scratch, named) }, purpose: call.purpose,
        scope: call.scope, location: call.location, joined: call.joined, cost: call.cost)
    }
  }

  private func operand(
    _ draft: DraftOperand, _ scratch: Scratch, _ named: (Place) -> String?
  ) -> Operand {
    switch draft {
    case .fixed(let operand):
      var operand = operand
      operand.name = named(operand.place) ?? operand.name
      return operand
    case .slot(let index):
      let slot = slots[index]
      let place = slot.place ?? .scratch(scratch.indexOfSlot[index] ?? 0)
      return Operand(
        place: place, name: named(place) ?? slot.name, type: slot.type, layout: slot.layout)
    }
  }
}
