import GraphIR
import Words

/// Which weights get an adapter: a kind of linear layers, or those whose names a pattern fits.
public enum AdapterTarget: Hashable, Sendable {
  case kind(Kind)

  /// Any of the kinds.
  case all
  case named(ParameterPattern)

  /// What a linear layer is in the model, by what it reads and who reads it.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// It makes queries, keys or values, or reads what attention made.
    case attention
    /// It has a matrix for each expert.
    case experts
    /// Experts are chosen by what it makes.
    case router
    /// None of these, and not the head.
    case mlp
  }

  /// `attention`, `mlp`, `experts`, `router`, `all` of these, or a pattern of names.
  public init(_ pattern: ParameterPattern) {
    self =
      pattern.text == "all" ? .all : Kind(rawValue: pattern.text).map(Self.kind) ?? .named(pattern)
  }

  /// All but what chooses experts.
  public static let usual: [AdapterTarget] = [.kind(.attention), .kind(.mlp), .kind(.experts)]

  /// As options have it.
  public var text: String {
    switch self {
    case .kind(let kind): kind.rawValue
    case .all: "all"
    case .named(let pattern): pattern.text
    }
  }
}

/// The linear layers of a graph, by their weights.
struct LinearWeights {
  private let graph: Graph
  private var readers: [Int: [Int]] = [:]

  /// The parameters that linear layers alone read as weights, by node, each with these layers; in order.
  private(set) var layers: [(parameter: Int, linears: [Int])] = []

  /// Those that something else reads too, or that are the logits, with a node that does so.
  private(set) var others: [Int: Int] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    for (index, node) in graph.nodes.enumerated() {
      for input in Set(node.inputs.map(\.node)) { readers[input, default: []].append(index) }
    }
    for (index, parameter) in graph.parameters where !parameter.isState {
      let found = readers[index] ?? []
      let linears = found.filter { isLinear($0, of: index) }
      if let other = found.first(where: { !linears.contains($0) }) { others[index] = other }
      if !linears.isEmpty, others[index] == nil { layers.append((index, linears)) }
    }
  }

  /// Whether a node is a linear layer of a weight, and has it as nothing else.
  private func isLinear(_ index: Int, of weight: Int) -> Bool {
    guard case .linear = graph.nodes[index].op else { return false }
    let places = graph.nodes[index].inputs.indices.filter {
      graph.nodes[index].inputs[$0].node == weight
    }
    return places == [1]
  }

  /// What a layer is; nil for the head.
  func kind(of linear: Int) -> AdapterTarget.Kind? {
    let node = graph.nodes[linear]
    let ahead = reached(from: readers[linear] ?? []) { readers[$0] ?? [] }
    if ahead.contains(where: { graph.nodes[$0].op.kind == .top }) { return .router }
    if graph.type(of: node.inputs[0]).experts != nil { return .experts }
    let isAttention = { (index: Int) in
      [.attention, .matmul].contains(graph.nodes[index].op.kind)
    }
    let behind = reached(from: [node.inputs[0].node]) { graph.nodes[$0].inputs.map(\.node) }
    if ahead.contains(where: isAttention) || behind.contains(where: isAttention) {
      return .attention
    }
    guard let logits = graph[.logits]?.node else { return .mlp }
    return logits == linear || ahead.contains(logits) ? nil : .mlp
  }

  /// Nodes that can be reached without passing a linear layer, which are none of them.
  private func reached(from starts: [Int], _ next: (Int) -> [Int]) -> Set<Int> {
    var found: Set<Int> = []
    var waiting = starts
    while let index = waiting.popLast() {
      if case .linear = graph.nodes[index].op { continue }
      if found.insert(index).inserted { waiting += next(index) }
    }
    return found
  }
}
