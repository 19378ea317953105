import Foundation
import GraphIR
import ModelRuntime
import Planning
import Toolchain

/// The graph for Graphviz: a box around each use of a layer, backward dashed.
struct GraphDrawing {
  private let graph: Graph

  init(_ plan: Plan) { graph = plan.graph }

  /// The drawing in the DOT language.
  var dot: String {
    var lines = [
      "digraph \(Self.quoted(graph.name)) {",
      "  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=10];",
      "  edge [fontname=\"sans-serif\", fontsize=8, color=\"#444444\"];",
    ]
    for (number, group) in groups.enumerated() {
      let indent = group.scope.isEmpty ? "  " : "    "
      if !group.scope.isEmpty {
        lines.append("  subgraph cluster_\(number) {")
        lines.append("    label=\(Self.quoted(group.scope)); color=\"#999999\";")
      }
      lines += group.nodes.map { indent + node($0) }
      if !group.scope.isEmpty { lines.append("  }") }
    }
    lines += graph.nodes.indices.flatMap(edges)
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// Nodes by use of a layer, in order; those outside of layers have the scope "".
  private var groups: [(scope: String, nodes: [Int])] {
    var groups: [(scope: String, nodes: [Int])] = []
    var numbers: [String: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      let scope = node.layer?.scope ?? ""
      if let known = numbers[scope] {
        groups[known].nodes.append(index)
      } else {
        numbers[scope] = groups.count
        groups.append((scope, [index]))
      }
    }
    return groups
  }

  private func node(_ index: Int) -> String {
    let node = graph.nodes[index]
    var label = node.op.mnemonic
    if case .parameter(let parameter) = node.op { label = parameter.name }
    if case .pointwise(let op) = node.op { label = "\(op.expression)" }
    let types = node.types.map(\.description).joined(separator: ", ")
    var style = node.phase == .backward ? ", style=\"rounded,dashed\", color=\"#b04020\"" : ""
    if node.op.kind == .parameter { style = ", shape=ellipse, color=\"#888888\"" }
    if node.op.kind == .input { style = ", shape=ellipse" }
    return "n\(index) [label=\(Self.quoted("\(label)\n\(types)"))\(style)];"
  }

  private func edges(_ index: Int) -> [String] {
    graph.nodes[index].inputs.map { input in
      let bytes = graph.type(of: input).bytes
      let isBackward = graph.nodes[input.node].phase == .backward
      let style = isBackward ? ", style=dashed, color=\"#b04020\"" : ""
      return "  n\(input.node) -> n\(index) [label=\"\(bytes)\"\(style)];"
    }
  }

  private static func quoted(_ text: String) -> String {
    "\""
      + text.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "\"", with: "\\\"").replacingOccurrences(of: "\n", with: "\\n")
      + "\""
  }

  /// The drawing by Graphviz's `dot`. Errors: it is not installed, it failed, or it took longer than
  /// `limit` seconds, as it does on many layers.
  func svg(limit: Double?) throws -> String {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("moec-graph-" + UUID().uuidString)
    let input = folder.appendingPathExtension("dot")
    let output = folder.appendingPathExtension("svg")
    defer { for file in [input, output] { try? FileManager.default.removeItem(at: file) } }
    try AtomicFile.write(dot, to: input.path)
    let supervision = Supervision.onTerminal("dot draws \(graph.nodes.count) nodes", limit: limit)
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
