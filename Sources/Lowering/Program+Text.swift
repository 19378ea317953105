import GraphIR

extension Program {
  /// The program as text, one call a line; `init(parsing:)` reads it back to an equal program.
  ///
  ///     program "makemoe"
  ///     sequences B 16
  ///     positions T 32
  ///     axis C 128
  ///     axis T! 32
  ///     vocabulary V
  ///     sources
  ///     %0 = input {kind "tokens", axes [B, T]} @ "" makemoe.swift:42:20
  ///     %3 = parameter {name "head.weight", axes [V, C], init normal(0.02)} weight @ "head" …
  ///     forward
  ///     output %9 = linear(rows %7, weights %3) : f32[B, T, V]; nodes 9; flops 8650752 8650752 @ …
  ///     return loss %41
  ///
  /// `T!` is all of the context, of which a pass may have fewer positions, `T` (`AxisMarks`). Of flops
  /// the second number is that of products. Values have the numbers that they had when the graph was
  /// lowered, whatever steps did.
  public var text: String {
    let marks = AxisMarks(sequences: sequences, positions: positions)
    var lines = headerLines(marks) + ["sources"]
    lines += sources.map { line(of: $0, marks) }
    var phase: Phase?
    for call in calls {
      if call.phase != phase { lines.append(call.phase.rawValue) }
      phase = call.phase
      lines.append(line(of: call, marks))
    }
    lines += outputs.map { "return \($0.output) \($0.value)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private func headerLines(_ marks: AxisMarks) -> [String] {
    var lines = [
      "program \(name.quoted)",
      "sequences \(marks.name(of: marks.sequences)) \(marks.sequences.size)",
      "positions \(marks.name(of: marks.positions)) \(marks.positions.size)",
    ]
    var seen: Set<String> = Set([marks.sequences, marks.positions].map(marks.name))
    for symbol in symbols {
      let name = marks.name(of: symbol)
      if seen.insert(name).inserted { lines.append("axis \(name) \(symbol.size)") }
    }
    lines.append("vocabulary \(marks.marked(vocabulary))")
    if let recomputation {
      let place = recomputation.location.map { " @ \($0.text)" } ?? ""
      lines.append("recomputed \(recomputation.reason.quoted)\(place)")
    }
    return lines
  }

  /// The symbols of all axes in order of first use.
  private var symbols: [Axis.Symbol] {
    var axes: [Axis] = [vocabulary]
    let collect = { (op: Op) in
      _ = op.mappingAxes { axis in
        axes.append(axis)
        return axis
      }
    }
    for source in sources { collect(source.op) }
    for call in calls {
      if let op = call.op { collect(op) }
      for type in call.results.map(type(of:)) {
        axes += type.axes + [type.experts].compactMap { $0 }
      }
    }
    return axes.flatMap(\.symbols)
  }

  private func line(of source: Source, _ marks: AxisMarks) -> String {
    let op = source.op.mappingAxes(marks.marked)
    return "\(source.value) = \(op.mnemonic) \(op.operation.attributes)"
      + (source.role.map { " \($0.rawValue)" } ?? "")
      + Origin(source.scope, nil, source.location).text
  }

  private func line(of call: Call, _ marks: AxisMarks) -> String {
    var text = call.kernel.text(marks, \.description)
    let types = call.results.map { marks.marked(type(of: $0)).description }
    if !types.isEmpty { text += " : " + types.joined(separator: ", ") }
    text += "; nodes" + call.nodes.map { " \($0)" }.joined()
    text += "; flops \(call.cost.flops) \(call.cost.productFlops)"
    if call.updates { text += "; updates" }
    return text + Origin(call.scope, call.layer, call.location).text
      + call.joined.map { "," + $0.text }.joined()
  }
}
