import Foundation
import GraphIR

/// Whether two graphs give the same logits for the same parameters, op by op: names of axes and scopes,
/// first values, and what only training has do not matter.
struct GraphComparison {
  let ours: Graph
  let theirs: Graph

  /// The first place where they differ, in words; nil if they are the same.
  func difference() -> String? {
    guard let a = ours[.logits], let b = theirs[.logits] else { return "it has no logits" }
    var known: [Value: Value] = [:]
    var found: [(node: Int, text: String)] = []
    var pairs = [(a, b)]
    while let (a, b) = pairs.popLast() {
      if let other = known[a] {
        if other != b { found.append((a.node, describe(a, b))) }
        continue
      }
      known[a] = b
      let (mine, other) = (ours.nodes[a.node], theirs.nodes[b.node])
      guard a.result == b.result, isSame(mine, other), mine.inputs.count == other.inputs.count
      else {
        found.append((a.node, describe(a, b)))
        continue
      }
      pairs += zip(mine.inputs, other.inputs)
    }
    // The earliest is the cause, those after it are what follows.
    return found.min { $0.node < $1.node }?.text
  }

  private func describe(_ a: Value, _ b: Value) -> String {
    let (mine, other) = (ours.nodes[a.node], theirs.nodes[b.node])
    let place =
      mine.location.map { "\($0.file.split(separator: "/").last ?? ""):\($0.line): " } ?? ""
    let (one, two) = (words(mine), words(other))
    if one == two { return place + "\(one) of other operands than there" }
    return place + "\(one), where it would be \(two)"
  }

  /// A node as text: a parameter by its name, another op with its sizes.
  private func words(_ node: Node) -> String {
    if case .parameter(let parameter) = node.op {
      return "\(parameter.name) \(parameter.axes.map(\.size))"
    }
    let entries = attributes(node.op).map { entry in
      let content: String
      switch entry.content {
      case .flag: content = ""
      case .integer(let number): content = " \(number)"
      // Twelve digits: what is worked out from other numbers may differ in the last.
      case .number(let number): content = String(format: " %.12g", number)
      case .string(let text): content = " \(text)"
      case .axes(let axes): content = " \(axes.map { "\($0.size)" }.joined(separator: ", "))"
      case .expression(let expression): content = " \(expression)"
      case .initializer: content = ""
      }
      return entry.name + content
    }
    return "\(node.op.mnemonic) {\(entries.joined(separator: ", "))}"
  }

  private func isSame(_ a: Node, _ b: Node) -> Bool {
    words(a) == words(b) && a.types.map(sizes) == b.types.map(sizes)
  }

  private func sizes(_ type: TensorType) -> [Int] { type.axes.map(\.size) }

  private func attributes(_ op: Op) -> [Attributes.Entry] {
    op.mappingStreams { _ in 0 }.operation.attributes.entries
  }
}

extension DecoderModel {
  /// Checks that a model's graph is that of this decoder, `expected`. Error: the first place where it differs.
  public func check(_ graph: Graph, _ expected: Graph) throws(FolderError) {
    if let difference = GraphComparison(ours: graph, theirs: expected).difference() {
      throw .noArchitecture(
        model: graph.name, reason: "as \(architecture.rawValue), \(difference)")
    }
  }
}
