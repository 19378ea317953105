import GraphIR

/// A graph in which the sizes that a pass may have less of are told from the model's constants.
///
/// Training has B sequences of T tokens; a pass that generates has one, of as many as there are. An
/// axis is of the pass if its extent comes from the text: that of the tokens and of the positions,
/// and whatever the ops hand on of it. The same name in a parameter, or as a width, is a constant.
///
/// Where a constant meets its namesake of the pass, as a learned bias over all pairs of positions meets
/// the scores of those that are there, what belongs to positions that are not there is cut off: a
/// copying node stands between, a pointwise op whose result has other extents than its operand.
struct PassSizes: Sendable {
  /// The graph's nodes and the copies between them.
  private(set) var graph: Graph

  /// For each node, the node of the graph before that it is; a copy is none.
  private(set) var origins: [[Int]] = []

  /// The axes of a pass's sequences and positions.
  let axes: PassAxes

  private let source: Graph
  private var number: [Int] = []

  /// - Throws: a `Diagnostic` for a model that has no meaning for a shorter text.
  init(_ graph: Graph) throws(Diagnostic) {
    source = graph
    self.graph = graph
    self.graph.nodes = []
    axes = PassAxes(
      sequences: Self.passAxis(graph.batch, .sequences, besides: graph.context),
      positions: Self.passAxis(graph.context, .positions, besides: graph.batch))
    (self.graph.batch, self.graph.context) = (axes.sequences, axes.positions)
    for index in graph.nodes.indices { try add(index) }
    self.graph.outputs = graph.outputs.map { .init($0.output, moved($0.value)) }
  }

  /// A pass's part of an axis. It has the axis's name, unless that is a product or means two things.
  private static func passAxis(_ axis: Axis, _ extent: Axis.Extent, besides other: Axis) -> Axis {
    let isPlain = axis == axis.symbols.first.map { Axis($0.name, $0.size) }
    let isAlone = Set(axis.symbols.map(\.name)).isDisjoint(with: other.symbols.map(\.name))
    let name = isPlain && isAlone ? axis.description : "(\(axis))"
    return Axis(symbol: .init(name: name, size: axis.size, extent: extent))
  }

  private func moved(_ value: Value) -> Value {
    Value(node: number[value.node], result: value.result)
  }
}

extension PassSizes {
  /// Adds a node with the extents of its results, after copies of operands that have others.
  private mutating func add(_ index: Int) throws(Diagnostic) {
    var node = source.nodes[index]
    let plain = node.inputs.map(source.type(of:))
    node.inputs = node.inputs.map(moved)
    var pass = PassExtents(node, plain, given: node.inputs.map(graph.type(of:)), axes)
    var operation = node.op.operation
    do throws(Mismatch) {
      node.types = try operation.reach(in: &pass)
    } catch {
      throw Diagnostic(at: location(of: index), error.message, hint: error.hint)
    }
    for (place, wanted) in pass.inputs.enumerated() {
      let isView = takesBeginning(of: node.inputs[place], wanted, node.op)
      if graph.type(of: node.inputs[place]).axes != wanted.axes && !isView {
        node.inputs[place] = copy(node.inputs[place], wanted, for: node)
      }
    }
    node.op = operation.op
    number.append(graph.nodes.count)
    graph.nodes.append(node)
    origins.append([index])
  }

  /// Whether what an op wants of a parameter is its beginning, which can be read where it lies.
  private func takesBeginning(of value: Value, _ wanted: TensorType, _ op: Op) -> Bool {
    let type = graph.type(of: value)
    guard case .pointwise = op, graph.nodes[value.node].op.kind == .parameter else { return false }
    return type.axes.dropFirst() == wanted.axes.dropFirst()
      && wanted.axes.first?.symbols.map(\.extent) == [.positions]
  }

  /// Where a person finds a node: of the loss, which nobody wrote, where the logits come from.
  private func location(of index: Int) -> SourceLocation? {
    let node = source.nodes[index]
    guard case .crossEntropy = node.op else { return node.location }
    return source.nodes[node.inputs[0].node].location ?? node.location
  }

  /// A value brought to other extents, for a node.
  private mutating func copy(_ value: Value, _ type: TensorType, for node: Node) -> Value {
    graph.nodes.append(
      Node(
        op: .pointwise(Pointwise(.input(0))), inputs: [value], types: [type], scope: node.scope,
        layer: node.layer,
        location: node.location, phase: node.phase))
    origins.append([])
    return Value(node: graph.nodes.count - 1)
  }
}
