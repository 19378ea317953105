import GraphIR
import Lowering

extension Plan {
  /// The plan for a reader: memory, layers with their buffers, calls in order.
  public var text: String {
    var lines = ["plan of \(graph.name)", ""]
    lines += memoryLines + [""]
    lines += ["uses, in forward order"] + uses.map(line(of:)) + [""]
    lines += ["between layers"] + edges.map(line(of:)) + [""]
    lines += layers.flatMap { $0.lines + [""] }
    return lines.joined(separator: "\n")
  }

  private var memoryLines: [String] {
    [
      "memory, in bytes",
      "  parameters \(memory.parameters)", "  gradients  \(memory.gradients)",
      "  optimizer  \(memory.optimizer)", "  saved      \(memory.saved)",
      "  scratch    \(memory.scratch)", "  total      \(memory.total)", "",
      "passes of evaluation at once: \(lanes.count)",
      "  each has \(lanes.savedBytes) of saved and \(lanes.scratchBytes) of scratch",
    ]
  }

  private func line(of use: LayerUse) -> String {
    let name = layers[use.layer].name
    return
      "  \(use.scope.isEmpty ? name : use.scope): \(name), parameters from \(use.firstParameter), "
      + "streams from \(use.firstStream), saved at \(use.savedOffset)"
  }

  private func line(of edge: Edge) -> String {
    "  \(edge.name) \(edge.type) \(edge.role == .activation ? "saved" : "scratch") at \(edge.offset), \(edge.bytes) bytes"
  }
}

extension Layer {
  fileprivate var lines: [String] {
    var lines = ["layer \(name)"]
    lines += parameters.map {
      "  parameter \($0.field) \($0.type)\($0.layout == .rowMajor ? "" : " in panels")"
    }
    lines += saved.map { "  saved \($0.name) \($0.type) at \($0.offset), \($0.bytes) bytes" }
    lines += ["  forward(\(forwardArguments.map(\.text).joined(separator: ", ")))"]
    lines += forwardScratch.map(\.scratchLine) + forward.map { "    " + $0.text }
    lines += ["  backward(\(backwardArguments.map(\.text).joined(separator: ", ")))"]
    lines += backwardScratch.map(\.scratchLine) + backward.map { "    " + $0.text }
    return lines
  }
}

extension Argument {
  fileprivate var text: String { (isWritten ? "-> " : "") + "\(name) \(type)" }
}

extension Buffer {
  fileprivate var scratchLine: String { "    scratch \(name) \(type) at \(offset), \(bytes) bytes" }
}

extension Operand {
  fileprivate var text: String {
    switch place {
    case .source, .argument: name
    case .parameter, .borrowed: "p.\(name)"
    case .gradient: "g.\(name)"
    case .saved: "s.\(name)"
    case .scratch: "t.\(name)"
    }
  }
}

extension Call {
  fileprivate var text: String {
    let made = results.map(\.text).joined(separator: ", ")
    let inputs = inputs.map(\.text).joined(separator: ", ")
    var name = action.name
    if case .pointwise(let op) = op { name = "pointwise {\(op.expression)} " }
    let update = updates == nil ? "" : " then adamw"
    return "\(made) = \(name)(\(inputs))\(update)"
      + (location.map { "  // \($0.file.onOneLine):\($0.line)" } ?? "")
  }
}
