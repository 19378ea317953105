import GraphIR

/// A graph as the kernels want it: products read rows where they lie, and finish them on the spot.
///
/// *Prologue.* Where only products read dispatched rows, `dispatch` moves nothing: the products gather
/// the rows themselves. A linear layer then reads x and, as a further input, `source`.
///
/// *Projections.* Products of one input with weights that lie side by side are one product.
///
/// *Epilogue.* Where a pointwise op alone reads a product, it becomes the product's last step, applied
/// to each block of the result while that is in cache. The product's extra inputs come last.
///
/// *Order.* Gradients of parameters, sums over all rows, wait for each other, so that between them
/// threads can go through what keeps sequences apart, each with its own.
///
/// The lowered graph is for planning alone: its nodes need not be what shape rules allow.
struct Lowering {
  /// The last step of a product: `expression` over the product, `.input(product)`, and extra inputs.
  struct Finish: Hashable {
    var expression: ScalarExpression
    var product: Int

    /// How many of the node's inputs belong to the finish; they come last.
    var operands: Int

    /// Where the pointwise op stood.
    var scope: String
    var location: SourceLocation?
  }

  var graph: Graph

  /// Products of several weights that lie one after the other, and the attention that reads their parts.
  var joined: Set<Int> = []

  /// For each node, the nodes of the graph before lowering that it stands for.
  var origins: [[Int]]

  /// What each node costs: those that it stands for, together as much as in the graph before lowering.
  var costs: [Cost]

  /// The finish of each product that has one, by node.
  var finishes: [Int: Finish] = [:]

  /// The parameters' roles in the graph before lowering, by node.
  var roles: [Int: ParameterRole]

  /// - Parameter origins: for each node, the nodes of the model's graph that it stands for.
  init(_ graph: Graph, origins: [[Int]]) {
    self.graph = graph
    self.origins = origins
    roles = graph.parameterRoles
    costs = graph.costs
    for index in graph.nodes.indices {
      self.graph.nodes[index] = graph.nodes[index].readingOnlyWhatItUses
    }
    remove(gatherRows())
    remove(joinProjections())
    remove(dropIdentities())
    remove(finishProducts())
    splitNormGradients()
    postponeParameterGradients()
  }

  /// Leaves nodes out.
  private mutating func remove(_ nodes: Set<Int>) {
    arrange(graph.nodes.indices.filter { !nodes.contains($0) })
  }

  /// Lets a node stand for others too.
  mutating func takeOver(_ others: some Sequence<Int>, by node: Int) {
    for other in others {
      origins[node] += origins[other]
      costs[node] += costs[other]
    }
  }

  func readers() -> [Value: [Int]] {
    var result: [Value: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for input in Set(node.inputs) { result[input, default: []].append(index) }
    }
    for binding in graph.outputs { result[binding.value, default: []].append(graph.nodes.count) }
    return result
  }
}

extension Lowering {
  /// Lets products read the tokens of dispatched rows through `source`; returns what nothing reads now.
  private mutating func gatherRows() -> Set<Int> {
    var unread: Set<Int> = []
    let readers = readers()
    for (index, node) in graph.nodes.enumerated() {
      guard case .dispatch = node.op else { continue }
      let rows = Value(node: index)
      let users = readers[rows] ?? []
      guard users.allSatisfy({ readsAsRows(rows, $0) }) else { continue }
      for user in users {
        let operand = rowOperand(graph.nodes[user].op)
        graph.nodes[user].inputs[operand] = node.inputs[0]
        graph.nodes[user].inputs.append(node.inputs[2])
        origins[user] += origins[index]
      }
      if let first = users.first { costs[first] += costs[index] }
      unread.insert(index)
    }
    return unread
  }

  /// Whether a node is a product that reads a value as its rows and as nothing else.
  private func readsAsRows(_ value: Value, _ node: Int) -> Bool {
    guard node < graph.nodes.count else { return false }
    let kind = graph.nodes[node].op.kind
    guard kind == .linear || kind == .linearWeightGradient else { return false }
    let operand = rowOperand(graph.nodes[node].op)
    return graph.nodes[node].inputs.enumerated().allSatisfy {
      ($0.element == value) == ($0.offset == operand)
    }
  }

  /// Where a product has its rows: `linear` first, the gradient of its weights after dy.
  private func rowOperand(_ op: Op) -> Int { op.kind == .linearWeightGradient ? 1 : 0 }
}

extension Lowering {
  /// Moves pointwise ops that alone read a product into it; returns these ops' nodes.
  private mutating func finishProducts() -> Set<Int> {
    let readers = readers()
    var replaced: [Value: Value] = [:]
    for (index, node) in graph.nodes.enumerated() {
      guard Self.canFinish(node.op.kind) else { continue }
      let product = Value(node: index)
      guard let users = readers[product], users.count == 1, users[0] < graph.nodes.count,
        let finish = finish(of: product, by: users[0])
      else { continue }
      let user = graph.nodes[users[0]]
      let extra = user.inputs.indices.filter { $0 != finish.product }.map { user.inputs[$0] }
      graph.nodes[index].inputs += extra
      finishes[index] = finish
      replaced[Value(node: users[0])] = product
    }
    replace(replaced)
    return Set(replaced.keys.map(\.node))
  }

  /// Products and the rows that combine's gradient makes take any last step; some other kernels can
  /// add a residual.
  private static func canFinish(_ kind: OpKind) -> Bool {
    kind == .linear || kind == .linearInputGradient || kind == .combineGradient || canOnlyAdd(kind)
  }

  private static func canOnlyAdd(_ kind: OpKind) -> Bool {
    kind == .combine || kind == .layerNormGradient
  }

  /// The pointwise op as a finish, if all else that it reads is there before the product.
  private func finish(of product: Value, by user: Int) -> Finish? {
    let node = graph.nodes[user]
    let home = graph.nodes[product.node]
    guard case .pointwise(let op) = node.op, node.phase == home.phase,
      node.layer == home.layer,
      let index = node.inputs.firstIndex(of: product)
    else { return nil }
    if Self.canOnlyAdd(home.op.kind) && op.expression != .input(0) + .input(1) { return nil }
    guard node.types[0] == graph.type(of: product), node.inputs.count <= 4,
      op.expression.streams.count <= 2
    else { return nil }
    for (place, input) in node.inputs.enumerated() where place != index {
      guard input != product, input.node < product.node, graph.type(of: input) == node.types[0],
        op.expression.inputs.contains(place)
      else { return nil }
    }
    return Finish(
      expression: op.expression, product: index, operands: node.inputs.count - 1,
      scope: node.scope, location: node.location)
  }

  /// Lets the products stand for the pointwise ops that they took over.
  mutating func replace(_ replaced: [Value: Value]) {
    for (old, new) in replaced { takeOver([old.node], by: new.node) }
    // A product is finished once, so one step of replacement is enough.
    for index in graph.nodes.indices {
      graph.nodes[index].inputs = graph.nodes[index].inputs.map { replaced[$0] ?? $0 }
    }
    for index in graph.outputs.indices {
      let value = graph.outputs[index].value
      graph.outputs[index].value = replaced[value] ?? value
    }
  }
}

extension Node {
  /// A pointwise op without the operands that only give it its shape: a call does not read them.
  fileprivate var readingOnlyWhatItUses: Node {
    guard case .pointwise(let op) = op else { return self }
    let used = op.expression.inputs
    var node = self
    node.inputs = used.map { inputs[$0] }
    node.op = .pointwise(
      Pointwise(op.expression.substituting { .input(used.firstIndex(of: $0) ?? 0) }))
    return node
  }
}
