import GraphIR

/// A graph cut into sections that run one after the other: each use of `layers`, and what lies
/// before, between and after them.
struct Partition {
  struct Section {
    /// `block.3`, or empty outside of `layers`.
    var scope: String
    var forward: [Int] = []
    var backward: [Int] = []
  }

  var sections: [Section] = []

  /// The section that computes each node; nil for parameters and inputs, which nothing computes.
  var sectionOfNode: [Int?]

  init(_ graph: Graph) {
    sectionOfNode = Array(repeating: nil, count: graph.nodes.count)
    placeForward(graph)
    placeBackward(graph)
    if !isOrdered(graph) { mergeAll(graph) }
  }

  /// The path of the use of `layers` that a scope lies in: `block.3` for `block.3.mixture.up`.
  static func layerScope(_ scope: String) -> String? {
    let parts = scope.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, Int(parts[1]) != nil else { return nil }
    return "\(parts[0]).\(parts[1])"
  }

  static func isComputed(_ node: Node) -> Bool {
    node.op.kind != .input && node.op.kind != .parameter
  }

  private mutating func placeForward(_ graph: Graph) {
    var sectionOfScope: [String: Int] = [:]
    for (index, node) in graph.nodes.enumerated()
    where node.phase == .forward && Self.isComputed(node) {
      let scope = Self.layerScope(node.scope) ?? ""
      let section: Int
      if case .route = node.op, let known = sectionOfNode[node.inputs[0].node] {
        // The rows of a choice that several layers share follow from the choice alone.
        section = known
      } else if let known = sectionOfScope[scope], !scope.isEmpty || known == sections.count - 1 {
        section = known
      } else {
        section = sections.count
        sections.append(Section(scope: scope))
        sectionOfScope[scope] = section
      }
      sections[section].forward.append(index)
      sectionOfNode[index] = section
    }
    if sections.isEmpty { sections.append(Section(scope: "")) }
  }

  private mutating func placeBackward(_ graph: Graph) {
    let sectionsOfScope = forwardSectionsByScope(graph)
    for (index, node) in graph.nodes.enumerated()
    where node.phase == .backward && Self.isComputed(node) {
      let latest =
        node.inputs.filter { graph.nodes[$0.node].phase == .backward }
        .compactMap { sectionOfNode[$0.node] }.min() ?? sections.count - 1
      let candidates = (sectionsOfScope[node.scope] ?? []).filter { $0 <= latest }
      let section = candidates.max() ?? latest
      sections[section].backward.append(index)
      sectionOfNode[index] = section
    }
  }

  /// The sections whose forward nodes have a given scope; backward nodes join one of them.
  private func forwardSectionsByScope(_ graph: Graph) -> [String: Set<Int>] {
    var result: [String: Set<Int>] = [:]
    for (index, node) in graph.nodes.enumerated() where node.phase == .forward {
      guard let section = sectionOfNode[index] else { continue }
      result[node.scope, default: []].insert(section)
    }
    return result
  }

  /// Whether forward values come from the same or an earlier section, gradients from a later one.
  private func isOrdered(_ graph: Graph) -> Bool {
    graph.nodes.enumerated().allSatisfy { index, node in
      guard let section = sectionOfNode[index] else { return true }
      return node.inputs.allSatisfy { input in
        guard let source = sectionOfNode[input.node] else { return true }
        return graph.nodes[input.node].phase == .forward
          ? source <= section || node.phase == .backward : source >= section
      }
    }
  }

  /// One section for everything, for graphs whose layers depend on each other crosswise.
  mutating func mergeAll(_ graph: Graph) {
    var all = Section(scope: "")
    for (index, node) in graph.nodes.enumerated() where Self.isComputed(node) {
      if node.phase == .forward { all.forward.append(index) } else { all.backward.append(index) }
      sectionOfNode[index] = 0
    }
    sections = [all]
  }
}
