/// Appends nodes to a graph, remembering where they come from.
public struct GraphBuilder {
  public private(set) var graph: Graph

  /// Given to every node that is added.
  public var scope = ""
  public var layer: LayerPath?
  public var location: SourceLocation?
  public var phase = Phase.forward

  public init(_ graph: Graph) { self.graph = graph }

  /// Adds a node and returns its results, or says what is wrong with the inputs.
  public mutating func apply(_ op: Op, _ inputs: [Value]) throws(Mismatch) -> [Value] {
    let types = try op.operation.infer(inputs.map(graph.type(of:)))
    graph.nodes.append(
      Node(
        op: op, inputs: inputs, types: types, scope: scope, layer: layer, location: location,
        phase: phase))
    return graph.results(of: graph.nodes.count - 1)
  }

  /// Adds a node whose inputs are right by construction; anything else is a bug in moec.
  public mutating func emit(_ op: Op, _ inputs: [Value]) -> [Value] {
    do {
      return try apply(op, inputs)
    } catch {
      preconditionFailure("\(op.mnemonic) at \(scope): \(error.message)")
    }
  }

  /// `emit` for an op with one result.
  public mutating func emitOne(_ op: Op, _ inputs: [Value]) -> Value { emit(op, inputs)[0] }

  public func type(of value: Value) -> TensorType { graph.type(of: value) }

  public mutating func bind(_ output: Output, to value: Value) {
    graph.outputs.append(.init(output, value))
  }

  /// Appends a node as it stands, for passes that copy a graph; its inputs must exist already.
  public mutating func append(_ node: Node) -> [Value] {
    graph.nodes.append(node)
    return graph.results(of: graph.nodes.count - 1)
  }
}

extension GraphBuilder {
  /// f(inputs…) elementwise.
  public mutating func pointwise(_ expression: ScalarExpression, _ inputs: [Value]) -> Value {
    emitOne(.pointwise(Pointwise(expression)), inputs)
  }

  /// a + b.
  public mutating func add(_ a: Value, _ b: Value) -> Value {
    pointwise(.input(0) + .input(1), [a, b])
  }
}
