import GraphIR

/// Runs a graph in double precision: the oracle for gradients and for the generated C.
///
/// Only the inputs' sizes come from `sequences` and `length`; all others follow, so that one sequence
/// of a few tokens runs through the graph that was made for B sequences of T.
public struct Interpreter: Sendable {
  public enum Mode: Hashable, Sendable {
    case training

    /// Dropout is off; `normal` stays on.
    case evaluation
  }

  /// How precisely results are kept.
  public enum Precision: Hashable, Sendable {
    case double

    /// Each op computes in double precision, but for the functions of an expression; its results are rounded,
    /// up to one unit in the last place off, by chance. How far this run is from the other shows what rounding can do to a model.
    case roughlySingle
  }

  public var graph: Graph
  public var mode: Mode
  public var precision = Precision.double

  /// The seed of this step's randomness.
  public var seed: UInt64
  /// Which of many ways rough results are rounded.
  public var roughness: UInt64 = 0

  public var tokens: [Int32]
  public var targets: [Int32]
  /// Where the documents of all tokens begin, [sequences, length]; empty: each sequence is one.
  public var beginnings: [Int32] = []
  public var sequences: Int
  public var length: Int

  /// Every parameter's elements, and every state's, row-major.
  public var parameters: [String: [Double]]

  /// By the index of a `top` node, the experts that it takes whatever its logits are, ascending for
  /// each token.
  public var replay: [Int: [Int32]] = [:]

  /// Another run of the graph, from which `stop` takes its numbers: what moves does not move them.
  public var stopped: Run?

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - tokens, targets: `sequences` · `length` numbers; targets may be empty if no output that is
  ///     asked for needs them.
  ///   - parameters: values by name; those not given are drawn by their initializers from `seed`.
  ///   - sequences, length: the graph's batch and context where nil.
  public init(
    _ graph: Graph, mode: Mode = .training, seed: UInt64 = 0, tokens: [Int32],
    targets: [Int32] = [], parameters: [String: [Double]] = [:], sequences: Int? = nil,
    length: Int? = nil
  ) {
    self.graph = graph
    self.mode = mode
    self.seed = seed
    self.tokens = tokens
    self.targets = targets
    self.sequences = sequences ?? graph.batch.size
    self.length = length ?? graph.context.size
    self.parameters = Self.initialParameters(of: graph, seed: seed, given: parameters)
  }

  /// Computes what the outputs need, all outputs if nil.
  ///
  /// - Throws: a `Diagnostic` for tokens or parameters of a wrong number, or a token or target out of
  ///   range.
  public func run(_ outputs: [Output]? = nil) throws(Diagnostic) -> Run {
    var run = Run(graph: graph)
    let isNeeded = neededNodes(for: outputs ?? graph.outputs.map(\.output))
    for index in graph.nodes.indices where isNeeded[index] {
      let inputs = roughened(
        fitted(graph.nodes[index], graph.nodes[index].inputs.map { run[$0] }), of: index)
      let results = try evaluate(Site(graph, index, inputs, replay: replay[index]))
      run.values[index] =
        isExact(graph.nodes[index])
        ? results : results.map { $0.roughlySingle(UInt64(index), draw: roughness) }
    }
    return run
  }

  /// Whether results are as they are computed: in double precision, and of ops that compute nothing of their
  /// operands, but move them, mark some, or make constants. No kernel rounds those.
  private func isExact(_ node: Node) -> Bool {
    if precision == .double { return true }
    guard let op = node.op.forward, op.streams.isEmpty, !node.inputs.isEmpty else { return false }
    return op.cost(node.inputs.map(graph.type), node.types).flops == 0
  }

  /// In single precision what a pointwise op reads of others' results, but for its first operand, once more a unit in
  /// the last place off: a kernel may add a product to another before it is rounded, and x y - x y is not 0 then.
  private func roughened(_ inputs: [TensorValue], of index: Int) -> [TensorValue] {
    let node = graph.nodes[index]
    guard precision != .double, case .pointwise = node.op else { return inputs }
    return inputs.enumerated().map { operand, value in
      operand == 0 || isExact(graph.nodes[node.inputs[operand].node])
        ? value : value.roughlySingle(UInt64(operand) << 32 | UInt64(index), draw: roughness)
    }
  }

  /// What a kernel reduces a row to, on its way, as single precision may have it: of equal numbers their mean is not
  /// quite one of them, and a norm divides what is left by almost nothing.
  func reduced(_ number: Double) -> Double {
    if precision == .double { return number }
    return TensorValue([], [number]).roughlySingle(1 << 63, draw: roughness).floats[0]
  }

  private func neededNodes(for outputs: [Output]) -> [Bool] {
    var isNeeded = graph.nodes.map { _ in false }
    for binding in graph.outputs where outputs.contains(binding.output) {
      isNeeded[binding.value.node] = true
      // What moves a state moves it from where it is, whoever else reads it.
      if case .state(let name) = binding.output {
        for (node, parameter) in graph.parameters where parameter.name == name {
          isNeeded[node] = true
        }
      }
    }
    for index in graph.nodes.indices.reversed() where isNeeded[index] {
      for input in graph.nodes[index].inputs { isNeeded[input.node] = true }
    }
    return isNeeded
  }
}

/// What a run computed.
public struct Run: Sendable {
  public let graph: Graph

  /// Per node its results; empty where no output asked for needs the node.
  public internal(set) var values: [[TensorValue]]

  init(graph: Graph) {
    self.graph = graph
    values = graph.nodes.map { _ in [] }
  }

  /// The value of one result; it must have been computed.
  public subscript(value: Value) -> TensorValue { values[value.node][value.result] }

  /// An output's value, if the graph has it and it was asked for.
  public subscript(output: Output) -> TensorValue? {
    guard let value = graph[output], !values[value.node].isEmpty else { return nil }
    return self[value]
  }

  public var loss: Double? { self[.loss]?.floats.first }

  /// What is differentiated: the objective, or the loss where there is none.
  public var objective: Double? { (self[.objective] ?? self[.loss])?.floats.first }

  /// The terms that were computed, by name.
  public var terms: [String: Double] {
    Dictionary(
      graph.terms.compactMap { term in
        values[term.value.node].isEmpty ? nil : (term.name, self[term.value].floats[0])
      }, uniquingKeysWith: { first, _ in first })
  }

  /// What a state is after a step of this run.
  public func state(_ name: String) -> [Double]? {
    guard let made = self[.state(name)]?.floats else { return nil }
    guard let (node, state) = graph.parameters.first(where: { $0.parameter.name == name }),
      let step = state.signStep
    else { return made }
    return zip(self[Value(node: node)].floats, made).map { value, direction in
      value + step * (direction > 0 ? 1 : direction < 0 ? -1 : 0)
    }
  }

  /// Row-major [sequences, length, V].
  public var logits: [Double]? { self[.logits]?.floats }

  /// The objective's gradient with respect to a parameter.
  public func gradient(of parameter: String) -> [Double]? {
    self[.gradient(parameter: parameter)]?.floats
  }
}

/// A node at work: its static types and the values of its inputs.
struct Site {
  let node: Node
  let inputTypes: [TensorType]
  let inputs: [TensorValue]

  /// The experts to take; nil: those with the largest logits.
  let replay: [Int32]?

  init(_ graph: Graph, _ index: Int, _ inputs: [TensorValue], replay: [Int32]? = nil) {
    self.replay = replay
    node = graph.nodes[index]
    inputTypes = node.inputs.map(graph.type(of:))
    self.inputs = inputs
  }

  /// A node of no graph.
  init(_ node: Node, _ inputTypes: [TensorType], _ inputs: [TensorValue]) {
    self.node = node
    self.inputTypes = inputTypes
    self.inputs = inputs
    replay = nil
  }

  func floats(_ index: Int) -> [Double] { inputs[index].floats }
  func integers(_ index: Int) -> [Int32] { inputs[index].integers }

  func error(_ message: String) -> Diagnostic { Diagnostic(at: node.location, message) }
}
