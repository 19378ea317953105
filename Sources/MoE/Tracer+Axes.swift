import GraphIR

extension Tracer {
  /// The graph's axis for one of the model's, or nil after reporting what is wrong with it.
  func use(_ axis: Axis, _ call: Call) -> GraphIR.Axis? {
    for problem in axis.problems { report(problem.message, at: problem.site ?? call.site) }
    guard axis.problems.isEmpty, declare(axis) else { return nil }
    guard axis.core.isWhole, axis.size >= 1 else {
      var parts: [String] = []
      for symbol in axis.core.symbols {
        let part = "\(symbol.name) is \(symbol.size)"
        if !parts.contains(part) { parts.append(part) }
      }
      report(
        "axis \(axis) has no whole size that fits: \(parts.joined(separator: ", "))", call,
        hint: axis.core.divisor == 1
          ? "a size is at least 1 and at most \(Axis.largest)"
          : "what is divided must be a multiple of \(axis.core.divisor)")
      return nil
    }
    guard axis.size <= Axis.largest else {
      report("axis \(axis): the size must be at most \(Axis.largest), got \(axis.size)", call)
      return nil
    }
    return axis.core
  }

  /// Notes the axis's names; false if one is taken by an axis of another size.
  private func declare(_ axis: Axis) -> Bool {
    var consistent = true
    for (symbol, site) in zip(axis.core.symbols, axis.origins) {
      guard let first = symbols[symbol.name] else {
        symbols[symbol.name] = (symbol.size, site)
        continue
      }
      if first.size == symbol.size { continue }
      report(
        "axis \(symbol.name): size \(symbol.size) here, \(first.size) at \(first.site.location)",
        at: site, hint: "give one of the two another name")
      consistent = false
    }
    return consistent
  }

  /// An axis that a function makes: `name`, or `name2`, `name3`, … if that has another size.
  func automaticAxis(_ name: String, _ size: Int, _ call: Call) -> GraphIR.Axis {
    var candidate = name
    var number = 2
    while isTaken(candidate, forOtherThan: size) {
      candidate = "\(name)\(number)"
      number += 1
    }
    if symbols[candidate] == nil { symbols[candidate] = (size, call.site) }
    return GraphIR.Axis(candidate, size)
  }

  private func isTaken(_ name: String, forOtherThan size: Int) -> Bool {
    if let known = symbols[name], known.size != size { return true }
    return declared[name, default: []].contains { $0 != size }
  }
}
