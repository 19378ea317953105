import GraphIR
import Lowering

extension Plan {
  /// The plan for a reader, and for `init(parsing:of:)`, which reads it back: options, memory,
  /// parameters with all that is kept of them, uses, what passes between layers, then each layer with its
  /// buffers and its calls, as threads make them, and at the end what ranks exchange. Places are bytes from the start of
  /// a region.
  ///
  /// Calls are written as in programs (`Program.text`), with places for values: `p.` are a layer's own
  /// parameters, `borrowed.` those of others, `g.` gradients of its own, `s.` saved buffers, `t.`
  /// scratch, `pass.` what the caller gives; the rest are arguments. `T!` is all of the context, of
  /// which a pass may have fewer positions, `T`.
  public var text: String {
    let writer = PlanWriter(self)
    var lines = ["plan of \(graph.name.quoted)"] + writer.header + [""]
    lines += writer.memory + [""]
    lines += ["parameters"] + parameters.map(writer.line(ofParameter:)) + [""]
    lines += ["uses, in forward order"] + uses.flatMap(writer.lines) + [""]
    lines += ["between layers"] + edges.indices.map(writer.line(ofEdge:)) + [""]
    lines += layers.flatMap { writer.lines(of: $0) + [""] }
    lines += writer.exchanges
    return lines.joined(separator: "\n")
  }
}

/// Writes the parts of a plan.
private struct PlanWriter {
  let plan: Plan
  let marks: AxisMarks

  init(_ plan: Plan) {
    self.plan = plan
    marks = AxisMarks(sequences: plan.sequences, positions: plan.positions)
  }

  private func text(_ type: TensorType) -> String { marks.marked(type).description }

  var header: [String] {
    let passes = [("sequences", marks.sequences), ("positions", marks.positions)]
    var lines = passes.map { "\($0.0) \(marks.name(of: $0.1)) \($0.1.size)" }
    var seen = Set(passes.map { marks.name(of: $0.1) })
    for symbol in symbols where seen.insert(marks.name(of: symbol)).inserted {
      lines.append("axis \(marks.name(of: symbol)) \(symbol.size)")
    }
    lines.append(
      "options" + (plan.accumulates ? " accumulates" : "") + (plan.recomputes ? " recomputes" : ""))
    if let why = plan.recomputation {
      lines.append(
        "recomputed \(why.reason.quoted)" + (why.location.map { " @ \($0.text)" } ?? ""))
    }
    return lines
      + plan.notes.map { note in
        "note \(note.message.quoted)" + (note.hint.map { " hint \($0.quoted)" } ?? "")
          + (note.location.map { " @ \($0.text)" } ?? "")
      }
  }

  /// The symbols of all axes in order of first use.
  private var symbols: [Axis.Symbol] {
    var types = plan.edges.map(\.type)
    var axes: [Axis] = []
    for layer in plan.layers {
      types += (layer.parameters + layer.borrowed).map(\.type)
      types += (layer.saved + layer.forwardScratch + layer.backwardScratch).map(\.type)
      types += (layer.forwardArguments + layer.backwardArguments).map(\.type)
      for call in layer.forward + layer.backward {
        types += call.operands.map(\.type)
        _ = call.op?.mappingAxes { axis in
          axes.append(axis)
          return axis
        }
      }
    }
    return (types.flatMap { $0.axes + [$0.experts].compactMap { $0 } } + axes).flatMap(\.symbols)
  }

  var memory: [String] {
    let (memory, regions) = (plan.memory, plan.regions)
    let used = Region.allCases.filter { regions.bytes(of: $0) > 0 }
    return [
      "memory, in bytes",
      "  parameters \(memory.parameters)", "  gradients  \(memory.gradients)",
      "  optimizer  \(memory.optimizer)", "  saved      \(memory.saved)",
      "  scratch    \(memory.scratch)", "  total      \(memory.total)", "",
      "regions, in bytes from the start of the arena",
    ] + used.map { "  \($0.rawValue) at \(regions[$0]), \(regions.bytes(of: $0)) bytes" } + [
      "", "# passes of evaluation at once: \(plan.lanes.count)",
      "#   each has \(plan.lanes.savedBytes) of saved and \(plan.lanes.scratchBytes) of scratch",
    ]
  }
}

// Parameters, uses, edges, layers and exchanges.
extension PlanWriter {
  /// Nothing where there is nothing for others.
  var exchanges: [String] {
    let lines = ExchangeTable(plan).lines
    if lines.isEmpty { return [] }
    return [
      "exchanges of ranks, in order",
      "  # of the blocks of a range, of \(Exchanges.block) numbers at most, each rank owns its share:",
      "  # gradients go to the owners, for each sum that a rank has over its batches, and values come back",
    ] + lines.map { "  \($0)" } + [""]
  }

  /// `"head.weight" f32 at 4096 of values; f32 at 64 of gradients, first moments, second moments`: regions
  /// in which it lies at the same place are named together. A frozen one is called so.
  func line(ofParameter parameter: PlannedParameter) -> String {
    var places: [(place: String, regions: [String])] = []
    for storage in parameter.storages {
      let place = "\(storage.element.rawValue) at \(storage.offset)"
      if places.last?.place != place { places.append((place, [])) }
      places[places.count - 1].regions.append(storage.region.rawValue)
    }
    return "  \(parameter.name.quoted) \(parameter.isFrozen ? "frozen " : "")"
      + places.map { "\($0.place) of \($0.regions.joined(separator: ", "))" }.joined(
        separator: "; ")
  }

  func lines(of use: LayerUse) -> [String] {
    let layer = plan.layers[use.layer]
    let numbers = { (list: [Int]) in list.map { " \($0)" }.joined() }
    let nodes = { (calls: [[Int]]) in
      calls.map { $0.isEmpty ? " none" : numbers($0) }.joined(separator: ",")
    }
    return [
      "  \(use.scope.quoted): \(layer.name.token), parameters from \(use.firstParameter)"
        + (use.borrowed.isEmpty ? "" : " and" + numbers(use.borrowed))
        + ", streams from \(use.firstStream), saved at \(use.savedOffset)",
      "    forward with\(numbers(use.forwardEdges)): nodes\(nodes(use.forwardNodes))",
      "    backward with\(numbers(use.backwardEdges)): nodes\(nodes(use.backwardNodes))",
    ]
  }

  func line(ofEdge index: Int) -> String {
    let edge = plan.edges[index]
    return "  \(index) \(edge.name.token) \(text(edge.type))\(text(edge.storage.layout)) "
      + "\(edge.regionWord) at \(edge.offset), \(edge.bytes) bytes"
      + edge.outputs.map { " is \($0)" }.joined()
  }

  func lines(of layer: Layer) -> [String] {
    var lines = ["layer \(layer.name.token)" + (layer.location.map { " @ \($0.text)" } ?? "")]
    lines += ["  streams \(layer.streamCount)"]
    lines += layer.parameters.map { "  parameter \(text($0, of: layer))" }
    lines += layer.borrowed.map { "  borrowed \(text($0, of: layer))" }
    lines += layer.saved.map { "  saved \(text($0))" }
    for phase in [Phase.forward, .backward] {
      let (arguments, scratch) = layer.surroundings(phase)
      let given = arguments.map {
        ($0.isWritten ? "-> " : "") + "\($0.name.token) \(text($0.type))\(text($0.layout))"
      }
      lines += ["  \(phase.rawValue)(\(given.joined(separator: ", ")))"]
      lines += scratch.map { "    scratch \(text($0))" }
      for run in layer.runs(phase) {
        lines += ["    \(run.kind.rawValue)"]
        lines += layer.calls(phase)[run.calls].map { "      " + text($0, in: layer) }
      }
    }
    return lines
  }

  private func text(_ parameter: LayerParameter, of layer: Layer) -> String {
    var text = "\(parameter.field.token) \(self.text(parameter.type)) \(parameter.role.rawValue)"
    text += self.text(parameter.layout)
    switch parameter.start {
    case .saved(let index): text += ", experts from s.\(layer.saved[index].name.token)"
    case .argument(let index):
      text += ", experts from \(layer.forwardArguments[index].name.token)"
    case nil: break
    }
    switch parameter.update {
    case .adamW: return text
    case .adamWInBackward: return text + ", updated in backward"
    case .rule: return text + ", state"
    case .none: return text + ", without gradient"
    }
  }

  private func text(_ layout: Layout) -> String { layout == .rowMajor ? "" : ", in panels" }

  private func text(_ buffer: Buffer) -> String {
    "\(buffer.name.token) \(text(buffer.type))\(text(buffer.layout)) "
      + "at \(buffer.offset), \(buffer.bytes) bytes"
  }

  private func text(_ call: Call, in layer: Layer) -> String {
    var text = call.kernel.text(marks) { self.text($0, in: layer) }
    if call.updates != nil { text += "; then adamw" }
    if call.purpose != .every { text += "; \(call.purpose.rawValue)" }
    text += "; flops \(call.cost.flops) \(call.cost.productFlops)"
    return text + Origin(call.scope, nil, call.location).text
      + call.joined.map { "," + $0.text }.joined()
  }

  private func text(_ operand: Operand, in layer: Layer) -> String {
    switch operand.place {
    case .source(let kind): return "pass.\(kind.rawValue)"
    case .argument: return operand.name.token
    case .parameter: return "p.\(operand.name.token)"
    case .borrowed: return "borrowed.\(operand.name.token)"
    case .saved: return "s.\(operand.name.token)"
    case .scratch: return "t.\(operand.name.token)"
    case .gradient(let index):
      let parameter = layer.parameters[index]
      let type = operand.type == parameter.type ? "" : ":\(text(operand.type))"
      return "g.\(parameter.field.token)\(type)"
    }
  }
}

extension Layer {
  /// A function's arguments and scratch.
  fileprivate func surroundings(_ phase: Phase) -> ([Argument], [Buffer]) {
    phase == .forward ? (forwardArguments, forwardScratch) : (backwardArguments, backwardScratch)
  }
}

extension String {
  /// A name as it stands, or in quotes if it is more than letters, digits and underscores.
  fileprivate var token: String {
    let isPlain = utf8.allSatisfy { $0 == 0x5f || (0x30...0x39).contains($0) || $0.isLetter }
    return isPlain && utf8.first.map { $0 == 0x5f || $0.isLetter } ?? false ? self : quoted
  }
}

extension UInt8 {
  fileprivate var isLetter: Bool { (0x61...0x7a).contains(self | 0x20) }
}
