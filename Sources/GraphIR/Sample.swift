/// A small whole model around one op: its parameters are the op's operands, its loss weighs every
/// element of the op's results.
///
/// The results are multiplied by parameters named `probe…`, so the gradient of a probe is the result
/// itself: reading gradients shows forward and backward alike. A new op is tested by existing.
public struct Sample: Sendable, CustomStringConvertible {
  public var name: String
  public var graph: Graph

  /// Whether the graph's gradients can all be 0 without an error (an op on integers alone).
  public var hasGradients: Bool

  public var description: String { name }

  public init(
    _ name: String, vocabulary: Int = 7, context: Int = 5, batch: Int = 3,
    hasGradients: Bool = true, _ build: (inout SampleBuilder) -> [Value]
  ) {
    var builder = SampleBuilder(
      Graph(
        name: name, vocabulary: Axis("V", vocabulary), context: Axis("T", context),
        batch: Axis("B", batch)))
    let results = build(&builder)
    builder.probe(results)
    self.name = name
    self.hasGradients = hasGradients
    graph = builder.g.graph
  }
}

/// Builds a sample's graph.
public struct SampleBuilder {
  public var g: GraphBuilder
  private var count = 0

  init(_ graph: Graph) { g = GraphBuilder(graph) }

  var batch: Axis { g.graph.batch }
  var context: Axis { g.graph.context }
  var vocabulary: Axis { g.graph.vocabulary }

  /// An operand: a parameter with normally distributed values.
  mutating func operand(
    _ name: String, _ axes: [Axis], deviation: Double = 1
  ) -> Value {
    g.scope = name
    return g.emitOne(
      .parameter(Parameter(name: name, axes: axes, initializer: .normal(deviation))), [])
  }

  /// An operand of shape [B, T, axis].
  mutating func operand(_ name: String, width: Axis) -> Value {
    operand(name, [batch, context, width])
  }

  mutating func apply(_ op: Op, _ inputs: [Value]) -> [Value] {
    g.scope = op.mnemonic
    return g.emit(op, inputs)
  }

  mutating func applyOne(_ op: Op, _ inputs: [Value]) -> Value { apply(op, inputs)[0] }

  mutating func tokens() -> Value {
    applyOne(.input(Input(.tokens, [batch, context])), [])
  }

  mutating func targets() -> Value {
    applyOne(.input(Input(.targets, [batch, context])), [])
  }

  mutating func beginnings() -> Value {
    applyOne(.input(Input(.beginnings, [batch, context])), [])
  }

  /// Chosen experts of every token: `values`, `indices` and the results of `route`.
  mutating func routing(
    experts: Axis, chosen: Axis, capacity: Double? = nil, bias: Double = 0
  ) -> (weights: Value, routed: [Value]) {
    let logits = operand("logits", width: experts)
    let top = apply(.top(Top(chosen: chosen)), [logits])
    let routed = apply(
      .route(Route(experts: experts, capacity: capacity.map { Capacity(factor: $0) })), [top[1]])
    return (top[0], routed)
  }

  /// Binds the loss: the sum of all elements of `results`, each times a probe's.
  mutating func probe(_ results: [Value]) {
    var total: Value?
    for (index, result) in results.enumerated() where g.type(of: result).element == .f32 {
      let term = weighed(result, by: "probe\(index)")
      g.scope = "loss"
      total = total.map { g.add($0, term) } ?? term
    }
    if let total { g.bind(.loss, to: total) }
  }

  private mutating func weighed(_ result: Value, by name: String) -> Value {
    let type = g.type(of: result)
    if type == .scalar { return result }
    // Rows sorted by expert are first brought back to their tokens by the sample itself.
    let probe = operand(name, type.axes)
    g.scope = name
    let product = g.pointwise(.input(0) * .input(1), [result, probe])
    return g.emitOne(.sum(Sum(to: [])), [product])
  }
}
