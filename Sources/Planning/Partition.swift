import GraphIR

/// A graph cut into sections that run one after the other: each use of `layers`, and what lies
/// before, between and after them.
struct Partition {
  struct Section {
    /// The use of `layers` whose work it is; nil outside of all.
    var layer: LayerPath?
    var forward: [Int] = []
    var backward: [Int] = []

    /// `decoder.block.3`, or empty outside of `layers`.
    var scope: String { layer?.scope ?? "" }
  }

  var sections: [Section] = []

  /// The section that computes each node; nil for parameters and inputs, which nothing computes.
  var sectionOfNode: [Int?]

  /// - Parameter depth: down to which depth uses of `layers` that lie in one another have sections of
  ///   their own; what lies deeper belongs to those around it. At 0 there is one section for all.
  init(_ graph: Graph, depth: Int) {
    sectionOfNode = Array(repeating: nil, count: graph.nodes.count)
    let layers = graph.nodes.map { $0.layer?.truncated(toDepth: depth) }
    placeForward(graph, layers)
    placeBackward(graph, layers)
  }

  /// How deep uses of `layers` lie in one another.
  static func depth(of graph: Graph) -> Int {
    graph.nodes.reduce(0) { max($0, $1.layer?.depth ?? 0) }
  }

  static func isComputed(_ node: Node) -> Bool {
    node.op.kind != .input && node.op.kind != .parameter
  }

  /// Nodes stand in dependency order, and so do sections: one begins where the layer changes.
  private mutating func placeForward(_ graph: Graph, _ layers: [LayerPath?]) {
    for (index, node) in graph.nodes.enumerated()
    where node.phase == .forward && Self.isComputed(node) {
      if case .route = node.op, let known = sectionOfNode[node.inputs[0].node] {
        // The rows of a choice that several layers share follow from the choice alone.
        sections[known].forward.append(index)
        sectionOfNode[index] = known
        continue
      }
      if sections.isEmpty || sections[sections.count - 1].layer != layers[index] {
        sections.append(Section(layer: layers[index]))
      }
      sections[sections.count - 1].forward.append(index)
      sectionOfNode[index] = sections.count - 1
    }
    if sections.isEmpty { sections.append(Section()) }
  }

  /// Gradients go back through the sections: each is made in the section of the layer that its node
  /// says, as soon as all that it reads is there. Of several sections of a layer, or outside of all,
  /// it is one with forward nodes of the same scope, or else the one that comes first on the way back.
  private mutating func placeBackward(_ graph: Graph, _ layers: [LayerPath?]) {
    let homes = forwardSections(graph)
    for (index, node) in graph.nodes.enumerated()
    where node.phase == .backward && Self.isComputed(node) {
      let latest =
        node.inputs.filter { graph.nodes[$0.node].phase == .backward }
        .compactMap { sectionOfNode[$0.node] }.min() ?? sections.count - 1
      let section =
        homes[Home(layer: layers[index], scope: node.scope)]?.last { $0 <= latest }
        ?? homes[Home(layer: layers[index])]?.last { $0 <= latest } ?? latest
      sections[section].backward.append(index)
      sectionOfNode[index] = section
    }
  }

  /// Where a backward node may belong: a layer, and perhaps a scope in it.
  private struct Home: Hashable {
    var layer: LayerPath?
    var scope: String?
  }

  /// The sections with forward nodes of each layer, and of each scope in it, ascending.
  private func forwardSections(_ graph: Graph) -> [Home: [Int]] {
    var result: [Home: [Int]] = [:]
    for (index, section) in sections.enumerated() {
      let scopes = Set(section.forward.map { graph.nodes[$0].scope })
      for home in [Home(layer: section.layer)]
        + scopes.map({ Home(layer: section.layer, scope: $0) })
      {
        result[home, default: []].append(index)
      }
    }
    return result
  }
}
