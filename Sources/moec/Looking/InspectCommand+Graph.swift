import Driver
import Foundation
import GraphIR
import Planning
import SystemFiles
import Toolchain
import Words

/// The graph for Graphviz: a box around each distinct layer with how often it is used, backward
/// dashed, and dotted what one use hands to the next.
struct GraphDrawing {
  private let graph: Graph
  private let layers: DrawnLayers

  init(_ plan: Plan) {
    graph = plan.graph
    layers = DrawnLayers(plan)
  }

  /// The drawing in the DOT language.
  var dot: String {
    var lines = [
      "digraph \(Self.quoted(graph.name)) {",
      "  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=10];",
      "  edge [fontname=\"sans-serif\", fontsize=8, color=\"#444444\"];",
    ]
    for (number, layer) in layers.distinct.enumerated() {
      let indent = layer.scopes[0].isEmpty ? "  " : "    "
      if !layer.scopes[0].isEmpty {
        lines.append("  subgraph cluster_\(number) {")
        lines.append("    label=\(Self.quoted(layer.title)); color=\"#999999\";")
      }
      lines += layer.nodes.map { indent + node($0) }
      if !layer.scopes[0].isEmpty { lines.append("  }") }
    }
    lines += edges
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// The nodes that are drawn.
  var nodeCount: Int { layers.distinct.reduce(0) { $0 + $1.nodes.count } }

  private func node(_ index: Int) -> String {
    let node = graph.nodes[index]
    var label = node.op.mnemonic
    if case .parameter(let parameter) = node.op { label = layers.name(of: index, parameter.name) }
    if case .pointwise(let op) = node.op { label = "\(op.expression)" }
    let types = node.types.map(\.description).joined(separator: ", ")
    var style = node.phase == .backward ? ", style=\"rounded,dashed\", color=\"#b04020\"" : ""
    if case .parameter = node.op { style = ", shape=ellipse, color=\"#888888\"" }
    if case .input = node.op { style = ", shape=ellipse" }
    return "n\(index) [label=\(Self.quoted("\(label)\n\(types)"))\(style)];"
  }

  /// Each line once, however many uses it stands for.
  private var edges: [String] {
    var drawn: Set<String> = []
    return graph.nodes.indices.flatMap { index in
      graph.nodes[index].inputs.map { edge(from: $0, to: index) }
    }.filter { drawn.insert($0).inserted }
  }

  private func edge(from input: Value, to index: Int) -> String {
    let isBackward = graph.nodes[input.node].phase == .backward
    let isToNext = layers.areUsesOfOne(input.node, index)
    var style = isBackward ? ", color=\"#b04020\"" : ""
    if isBackward || isToNext { style += ", style=\(isToNext ? "dotted" : "dashed")" }
    // What goes round does not turn the drawing upside down.
    if isToNext { style += ", constraint=false" }
    let bytes = graph.type(of: input).bytes
    return
      "  n\(layers.drawn(input.node)) -> n\(layers.drawn(index)) [label=\"\(bytes.grouped)\"\(style)];"
  }

  private static func quoted(_ text: String) -> String {
    "\""
      + text.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "\"", with: "\\\"").replacingOccurrences(of: "\n", with: "\\n")
      + "\""
  }

  /// The drawing by Graphviz's `dot`. Errors: it is not installed, it failed, or it took longer than
  /// `limit` seconds, as it does on many layers that differ.
  func svg(limit: Double?) throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("moec-graph-" + UUID().uuidString)
    let input = folder.appendingPathExtension("dot")
    let output = folder.appendingPathExtension("svg")
    defer { for file in [input, output] { try? FileManager.default.removeItem(at: file) } }
    try AtomicFile.write(dot, to: input.path)
    let supervision = Supervision.onTerminal("dot draws \(nodeCount) nodes", limit: limit)
    let arguments = ["-Tsvg", input.path, "-o", output.path]
    let dot = Subprocess(named: "dot", arguments: arguments, supervision: supervision)
    do {
      if let dot, try dot.run().status == 0 {
        return String(decoding: try Data(contentsOf: output), as: UTF8.self)
      }
    } catch ToolchainError.tookTooLong(let program, let seconds) {
      throw CompilationError(
        ToolchainError.tookTooLong(program: program, seconds: seconds).description)
    } catch {
      // Said below, whatever the reason.
    }
    throw CompilationError(
      message: "Graphviz's dot did not draw the graph",
      hint: "install graphviz, or take --graph dot and draw it elsewhere")
  }
}
