/// A typed index of one result of one node.
public struct Value: Hashable, Sendable, Comparable {
  public var node: Int
  public var result: Int

  public init(node: Int, result: Int = 0) {
    self.node = node
    self.result = result
  }

  public static func < (a: Value, b: Value) -> Bool { (a.node, a.result) < (b.node, b.result) }
}

/// Which half of a training step a node belongs to.
public enum Phase: String, Hashable, Sendable {
  case forward
  case backward
}

/// One operation applied to values of earlier nodes.
public struct Node: Hashable, Sendable {
  public var op: Op
  public var inputs: [Value]
  public var types: [TensorType]

  /// The path of scopes and the name given there: `block.3.mixture.up`.
  public var scope: String

  /// The use of `layers` that the node lies in, `block[3]`; nil outside of all. No pass moves work
  /// from one to another: then equal layers would not be equal any more, and no longer one C function.
  public var layer: LayerPath?
  public var location: SourceLocation?
  public var phase: Phase

  public init(
    op: Op, inputs: [Value], types: [TensorType], scope: String = "", layer: LayerPath? = nil,
    location: SourceLocation? = nil, phase: Phase = .forward
  ) {
    self.op = op
    self.inputs = inputs
    self.types = types
    self.scope = scope
    self.layer = layer
    self.location = location
    self.phase = phase
  }
}

/// What a graph hands out, in the order in which outputs are listed.
public enum Output: Hashable, Sendable {
  case logits

  /// The loss that is reported.
  case loss

  /// The number whose gradients are taken: the loss and the terms, each times its weight. A graph
  /// without weighted terms has none; there it is the loss.
  case objective

  /// A number beside the loss that is reported by its name, and part of the objective by its weight.
  case term(name: String, weight: Double)

  /// The objective's gradient with respect to the parameter of that name.
  case gradient(parameter: String)

  /// What the state of that name is after a step.
  case state(String)
}

/// AdamW's numbers as the model declares them.
public struct Optimizer: Hashable, Sendable {
  public var learningRate: Double
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double

  /// AdamW with PyTorch's defaults.
  public static func adamW(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0.01
  ) -> Optimizer {
    Optimizer(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      weightDecay: weightDecay)
  }
}

/// A model as a list of nodes in dependency order.
///
/// A value type: a pass is a function from graph to graph. `Verifier` lists what always holds.
public struct Graph: Hashable, Sendable {
  public var name: String
  public var vocabulary: Axis
  public var context: Axis
  public var batch: Axis
  public var optimizer: Optimizer
  public var nodes: [Node]
  public var outputs: [OutputBinding]

  /// Where the vocabulary's axis is declared, for whoever must change it.
  public var vocabularyLocation: SourceLocation?

  /// What could be chosen of the model and how it was, in the order in which it asks.
  public var settings: [ModelSetting] = []

  /// An output and the value that it is.
  public struct OutputBinding: Hashable, Sendable {
    public var output: Output
    public var value: Value

    public init(_ output: Output, _ value: Value) {
      self.output = output
      self.value = value
    }
  }

  public init(
    name: String, vocabulary: Axis, context: Axis, batch: Axis,
    optimizer: Optimizer = .adamW(), nodes: [Node] = [], outputs: [OutputBinding] = []
  ) {
    self.name = name
    self.vocabulary = vocabulary
    self.context = context
    self.batch = batch
    self.optimizer = optimizer
    self.nodes = nodes
    self.outputs = outputs
  }
}

extension Graph {
  public func type(of value: Value) -> TensorType { nodes[value.node].types[value.result] }

  /// The value bound to an output, if there is one.
  public subscript(output: Output) -> Value? {
    outputs.first { $0.output == output }?.value
  }

  /// The value whose gradients are taken: the objective, or the loss where there is none.
  public var differentiated: Value? { self[.objective] ?? self[.loss] }

  /// Every term of the objective with its value, in order.
  public var terms: [(name: String, weight: Double, value: Value)] {
    outputs.compactMap { binding in
      guard case .term(let name, let weight) = binding.output else { return nil }
      return (name, weight, binding.value)
    }
  }

  /// Whether several documents may stand in a row, and it is told where they begin.
  public var takesDocuments: Bool {
    nodes.contains {
      if case .input(let input) = $0.op { input.kind == .beginnings } else { false }
    }
  }

  /// All results of a node.
  public func results(of node: Int) -> [Value] {
    nodes[node].types.indices.map { Value(node: node, result: $0) }
  }

  /// Every parameter with the index of its node, states too, in order of creation.
  public var parameters: [(node: Int, parameter: Parameter)] {
    nodes.enumerated().compactMap { index, node in
      if case .parameter(let parameter) = node.op { (index, parameter) } else { nil }
    }
  }

  /// The number of each parameter, by its node, which is the random stream of its first values: those
  /// of the learned ones do not depend on which states there are, and adapters come after all.
  public var parameterNumbers: [Int: Int] {
    let ordered = parameters.inDrawingOrder(\.parameter)
    return Dictionary(
      uniqueKeysWithValues: ordered.enumerated().map { ($0.element.node, $0.offset) })
  }

  /// How many inputs and outputs use each value.
  public var useCounts: [Value: Int] {
    var counts: [Value: Int] = [:]
    for node in nodes { for input in node.inputs { counts[input, default: 0] += 1 } }
    for binding in outputs { counts[binding.value, default: 0] += 1 }
    return counts
  }

  /// All axis symbols in order of first use: vocabulary, context and batch first, those that only ops
  /// have last.
  public var symbols: [Axis.Symbol] {
    var seen: Set<Axis.Symbol> = []
    var found: [Axis.Symbol] = []
    var axes =
      [batch, context, vocabulary]
      + nodes.flatMap { node in
        node.types.flatMap { $0.axes + ($0.experts.map { [$0] } ?? []) }
      }
    for node in nodes {
      _ = node.op.mappingAxes { axis in
        axes.append(axis)
        return axis
      }
    }
    for symbol in axes.flatMap(\.symbols) where seen.insert(symbol).inserted {
      found.append(symbol)
    }
    return found
  }
}
