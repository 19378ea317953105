import GraphIR

/// AdamW in double precision, as PyTorch does it for separate experts: an `AdamWStep` of each element.
///
/// A parameter stacked by expert counts the steps of each expert; an expert without rows in a step is
/// skipped altogether. A parameter without a gradient is left alone; a state becomes what its rule made.
public struct AdamWReference: Sendable {
  public var optimizer: Optimizer
  public private(set) var parameters: [String: [Double]]
  public private(set) var first: [String: [Double]]
  public private(set) var second: [String: [Double]]

  /// Per parameter: the steps made so far, one count per expert if it is stacked, else one.
  public private(set) var steps: [String: [Int]]

  /// The optimizer before its first step; hyperparameters are the graph's unless given.
  public init(_ graph: Graph, parameters: [String: [Double]], optimizer: Optimizer? = nil) {
    self.optimizer = optimizer ?? graph.optimizer
    self.parameters = parameters
    let zeros = parameters.mapValues { [Double](repeating: 0, count: $0.count) }
    (first, second, steps) = (zeros, zeros, [:])
  }

  /// One step with the gradients and the states of a run.
  public mutating func step(_ run: Run) {
    for (node, parameter) in run.graph.parameters {
      if let state = run.state(parameter.name) { parameters[parameter.name] = state }
      guard let gradient = run.gradient(of: parameter.name) else { continue }
      let active = Self.activeSlices(of: node, in: run)
      for slice in active.indices where active[slice] {
        update(parameter, gradient, slice, of: active.count)
      }
    }
  }

  private mutating func update(
    _ parameter: Parameter, _ gradient: [Double], _ slice: Int, of slices: Int
  ) {
    let name = parameter.name
    var counts = steps[name] ?? [Int](repeating: 0, count: slices)
    counts[slice] += 1
    steps[name] = counts
    guard var p = parameters[name], var m = first[name], var v = second[name] else { return }
    let step = AdamWStep(optimizer, parameter, number: Double(counts[slice]))
    let size = p.count / slices
    for i in slice * size..<(slice + 1) * size {
      m[i] = step.first(after: m[i], gradient: gradient[i])
      v[i] = step.second(after: v[i], gradient: gradient[i])
      p[i] = step.value(after: p[i], first: m[i], second: v[i])
    }
    (parameters[name], first[name], second[name]) = (p, m, v)
  }

  /// Which slices of a parameter take part in a step: those of experts with rows, or the only one.
  ///
  /// A parameter is stacked if all its forward uses, of those that the run computed, are as experts' own: beside rows
  /// sorted by expert and where each expert's start.
  public static func activeSlices(of parameter: Int, in run: Run) -> [Bool] {
    var active: [Bool]?
    let value = Value(node: parameter)
    for (index, node) in run.graph.nodes.enumerated()
    where node.phase == .forward && node.inputs.contains(value) && !run.values[index].isEmpty {
      let roles = node.op.operation.operandRoles(node.inputs.map(run.graph.type))
      guard let start = roles.firstIndex(of: .start).map({ node.inputs[$0] }),
        node.inputs[0] != value
      else { return [true] }
      let bounds = run[start].integers
      let used = zip(bounds, bounds.dropFirst()).map { $0 < $1 }
      active = active.map { zip($0, used).map { $0 || $1 } } ?? used
    }
    return active ?? [true]
  }
}
