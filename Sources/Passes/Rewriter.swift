import GraphIR

/// Copies a graph node by node while a pass replaces some of them.
///
/// Values of the source graph become values of the copy through `mapped`. A node that a pass emits
/// instead of another takes its scope, layer, location and phase.
struct Rewriter {
  let source: Graph
  private(set) var builder: GraphBuilder
  private var replacements: [Value: Value] = [:]

  init(_ source: Graph) {
    self.source = source
    var empty = source
    empty.nodes = []
    empty.outputs = []
    builder = GraphBuilder(empty)
  }

  /// The copy's value that stands for a value of the source.
  ///
  /// Every node is visited in order, so whatever comes before it has its replacement.
  func mapped(_ value: Value) -> Value { replacements[value] ?? value }

  /// The copy's node behind a value of the copy.
  func node(of value: Value) -> Node { builder.graph.nodes[value.node] }

  /// The same, if it lies in the layer of a node that reads it.
  func neighbour(of reader: Node, _ value: Value) -> Node? {
    let node = node(of: value)
    return node.layer == reader.layer ? node : nil
  }

  func type(of value: Value) -> TensorType { builder.type(of: value) }

  /// Copies a node as it stands.
  mutating func copy(_ index: Int) {
    var node = source.nodes[index]
    node.inputs = node.inputs.map(mapped)
    replace(index, by: builder.append(node))
  }

  /// Copies all nodes, those for which `rewrite` gives values replaced by these.
  mutating func copyAll(
    replacing rewrite: (Int, inout Rewriter) -> [Value]?
  ) {
    for index in source.nodes.indices {
      if let values = rewrite(index, &self) {
        replace(index, by: values)
      } else {
        copy(index)
      }
    }
  }

  /// Lets values of the copy stand for a node's results.
  mutating func replace(_ index: Int, by values: [Value]) {
    for (result, value) in values.enumerated() {
      replacements[Value(node: index, result: result)] = value
    }
  }

  /// Emits an op in the place of a node; the inputs are values of the copy.
  mutating func emit(_ op: Op, _ inputs: [Value], for index: Int) -> [Value] {
    let origin = source.nodes[index]
    builder.scope = origin.scope
    builder.layer = origin.layer
    builder.location = origin.location
    builder.phase = origin.phase
    return builder.emit(op, inputs)
  }

  /// Emits an input that the source lacks, outside of all layers.
  mutating func emitInput(_ kind: Input.Kind, _ axes: [Axis]) -> Value {
    (builder.scope, builder.layer, builder.location, builder.phase) = ("", nil, nil, .forward)
    return builder.emitOne(.input(Input(kind, axes)), [])
  }

  /// The same where the inputs may be wrong, or says what is.
  mutating func apply(
    _ op: Op, _ inputs: [Value], for index: Int
  ) throws(Mismatch) -> [Value] {
    let origin = source.nodes[index]
    (builder.scope, builder.layer) = (origin.scope, origin.layer)
    (builder.location, builder.phase) = (origin.location, origin.phase)
    return try builder.apply(op, inputs)
  }

  /// The same in a scope within the node's own, `lora_a`.
  mutating func emit(_ op: Op, _ inputs: [Value], for index: Int, in scope: String) -> [Value] {
    let origin = source.nodes[index]
    builder.scope = origin.scope.isEmpty ? scope : "\(origin.scope).\(scope)"
    builder.layer = origin.layer
    builder.location = origin.location
    builder.phase = origin.phase
    return builder.emit(op, inputs)
  }

  /// The finished copy, with the source's outputs.
  func finished() -> Graph {
    var graph = builder.graph
    graph.outputs = source.outputs.map { .init($0.output, mapped($0.value)) }
    return graph
  }
}
