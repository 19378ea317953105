import GraphIR
import Planning

/// The layers of a plan, each once: the first use stands for all of them, node for node.
struct DrawnLayers {
  /// A layer, or what lies outside of layers.
  struct Distinct {
    /// Of its uses, in order; "" outside of layers.
    var scopes: [String]
    /// Nodes of the first use.
    var nodes: [Int]

    /// `block × 8` and below it `block.0 … block.7`; of a single one its scope.
    var title: String {
      guard scopes.count > 1, let first = scopes.first, let last = scopes.last else {
        return scopes.joined()
      }
      // What they have in common: `decoder.block` of `decoder.block.0` and `decoder.block.3`.
      let name = zip(first.split(separator: "."), last.split(separator: ".")).filter(==).map(\.0)
      return "\(name.joined(separator: ".")) × \(scopes.count)\n\(first) … \(last)"
    }
  }

  private(set) var distinct: [Distinct] = []

  /// By node: the one that is drawn for it, its layer, and the number of its use of that layer.
  private var drawnNode: [Int]
  private var layerOfNode: [Int]
  private var useOfNode: [Int]
  private let graph: Graph

  init(_ plan: Plan) {
    graph = plan.graph
    drawnNode = Array(plan.graph.nodes.indices)
    layerOfNode = Array(repeating: 0, count: drawnNode.count)
    useOfNode = layerOfNode
    let planned = Dictionary(grouping: plan.uses, by: \.scope).mapValues { $0.map(\.layer) }
    var numbers: [Kind: Int] = [:]
    for (scope, nodes) in Self.groups(graph) {
      let kind = Kind(planned, path: graph.nodes[nodes[0]].layer, nodes.map { graph.nodes[$0] })
      if let number = numbers[kind] {
        add(scope, nodes, to: number)
      } else {
        numbers[kind] = distinct.count
        distinct.append(Distinct(scopes: [], nodes: nodes))
        add(scope, nodes, to: distinct.count - 1)
      }
    }
  }

  private mutating func add(_ scope: String, _ nodes: [Int], to number: Int) {
    for (node, first) in zip(nodes, distinct[number].nodes) {
      drawnNode[node] = first
      layerOfNode[node] = number
      useOfNode[node] = distinct[number].scopes.count
    }
    distinct[number].scopes.append(scope)
  }

  func drawn(_ node: Int) -> Int { drawnNode[node] }

  /// Whether they lie in different uses of one layer.
  func areUsesOfOne(_ a: Int, _ b: Int) -> Bool {
    layerOfNode[a] == layerOfNode[b] && useOfNode[a] != useOfNode[b]
  }

  /// A parameter's name as all uses of its layer have it: `up.weight` of `block.3.up.weight`.
  func name(of node: Int, _ name: String) -> String {
    guard distinct[layerOfNode[node]].scopes.count > 1, let layer = graph.nodes[node].layer,
      name.hasPrefix(layer.scope + ".")
    else { return name }
    return String(layer.local(name))
  }

  /// Nodes by use of a layer, in order; those outside of layers have the scope "".
  private static func groups(_ graph: Graph) -> [(scope: String, nodes: [Int])] {
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
}

/// Groups of nodes that are drawn as one: what the plan made one layer of, node for node alike.
private struct Kind: Hashable {
  var layers: [Int]
  /// Within what the plan has as a layer, where `layers` in it are none of their own.
  var scope: String
  var nodes: [String]

  init(_ planned: [String: [Int]], path: LayerPath?, _ nodes: [Node]) {
    let depths = (0..<(path?.depth ?? 0)).reversed().map { $0 + 1 }
    let home = depths.lazy.compactMap { path?.truncated(toDepth: $0) }
      .first { planned[$0.scope] != nil }
    layers = home.flatMap { planned[$0.scope] } ?? []
    scope = path.map { path in home.map { String($0.local(path.scope)) } ?? path.scope } ?? ""
    self.nodes = nodes.map { "\($0.op.mnemonic) \($0.types)" }
  }
}
